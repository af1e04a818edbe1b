-- One row per accepted stage entry: the only source of every number.
-- key: lead_no, entry_no
-- not null: lead_id, stage, stage_no, entered_at, entered_date, basis
-- accepted basis: observed, inferred
-- column entry_no: 1, 2 … in the order in which the lead entered (E5)
-- column original_lead_id: the id as delivered, before merges
-- column basis: observed = a row of history says so
with
kept as (
    select rows.* from clean.entry_rows as rows where rows.disposition = 'kept'
),

delivered as (
    from raw.stage_entries
),

leads as (
    from clean.leads
),

stages as (
    from waterfall.stages
),

zone_days as (
    from waterfall.zone_days
)

select
    kept.lead_no,
    cast(
        row_number() over (
            partition by kept.lead_no
            order by
                kept.entered_at,
                kept.sequence nulls last,
                kept.path_order,
                kept.input_no,
                kept.load_no,
                kept.row_number
        ) as integer
    ) as entry_no,
    leads.lead_id,
    stages.stage,
    kept.stage_no,
    kept.entered_at,
    cast(
        kept.entered_at + to_seconds(
            case when kept.entered_at < zone_days.changes_at or zone_days.changes_at is null
                then zone_days.offset_before_s else zone_days.offset_after_s end
        ) as date
    ) as entered_date,
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
inner join leads on leads.lead_no = kept.lead_no
inner join stages on stages.stage_no = kept.stage_no
inner join zone_days on zone_days.utc_date = cast(kept.entered_at as date)
