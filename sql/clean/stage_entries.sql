-- One row per accepted stage entry: the only source of every number.
-- key: lead_no, entry_no
-- not null: lead_id, stage, stage_no, entered_at, entered_date, basis
-- accepted basis: observed, inferred
-- column entry_no: 1, 2 … in the order in which the lead entered (E5)
-- column original_lead_id: the id as delivered, before merges
-- column basis: observed = a row of history says so; inferred = the lead's creation does, where nothing else does (E9)
-- column load_no: load of the row of history; null where inferred
-- column row_number: its row; null where inferred
with
kept as (
    select rows.* from clean.entry_rows as rows where rows.disposition = 'kept'
),

delivered as (
    from raw.stage_entries
),

created as (
    from clean.creation_entries
),

delivered_leads as (
    from raw.leads
),

leads as (
    from clean.leads
),

stages as (
    from waterfall.stages
),

zone_days as (
    from waterfall.zone_days
),

accepted as (
    select
        kept.lead_no,
        kept.stage_no,
        kept.entered_at,
        kept.sequence,
        kept.path_order,
        kept.input_no,
        delivered.owner,
        delivered.source_system,
        delivered.recorded_at,
        'observed' as basis,
        delivered.lead_id as original_lead_id,
        delivered.input,
        kept.load_no,
        kept.row_number
    from kept
    inner join delivered on delivered.load_no = kept.load_no and delivered.row_number = kept.row_number
    union all
    select
        created.lead_no,
        created.stage_no,
        created.entered_at,
        null,
        null,
        null,
        null,
        null,
        delivered_leads.recorded_at,
        'inferred',
        delivered_leads.lead_id,
        delivered_leads.input,
        null,
        null
    from created
    inner join delivered_leads
        on delivered_leads.load_no = created.load_no and delivered_leads.row_number = created.row_number
)

select
    accepted.lead_no,
    cast(
        row_number() over (
            partition by accepted.lead_no
            order by
                accepted.entered_at,
                accepted.sequence nulls last,
                accepted.path_order,
                accepted.input_no,
                accepted.load_no,
                accepted.row_number
        ) as integer
    ) as entry_no,
    leads.lead_id,
    stages.stage,
    accepted.stage_no,
    accepted.entered_at,
    cast(
        accepted.entered_at + to_seconds(
            case when accepted.entered_at < zone_days.changes_at or zone_days.changes_at is null
                then zone_days.offset_before_s else zone_days.offset_after_s end
        ) as date
    ) as entered_date,
    accepted.owner,
    accepted.source_system,
    accepted.recorded_at,
    accepted.basis,
    accepted.original_lead_id,
    accepted.input,
    accepted.load_no,
    accepted.row_number
from accepted
inner join leads on leads.lead_no = accepted.lead_no
inner join stages on stages.stage_no = accepted.stage_no
inner join zone_days on zone_days.utc_date = cast(accepted.entered_at as date)
