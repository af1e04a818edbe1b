-- One row per lead that has an entry at its creation which no row of history records (E9).
-- The stage is the one before the first accepted entry, as that entry states it. A lead without any accepted entry gets the stage in its
-- lead record instead, only with entry_at_creation; that text is normalised like the stages of history.
-- key: lead_no
-- not null: own_no, stage_no, entered_at, load_no, row_number
-- column own_no: number of the lead id in that row
-- column entered_at: moment (UTC) of creation
-- column load_no: load that states the stage: of history, or of leads
-- column row_number: row of that load
-- column rank_or_end: rank of the stage; 32767 = a detour or an exit, null = a hold
-- column deleted_at: moment (UTC) of a later deletion; entries after it do not follow this one (E10)
with
run as (from waterfall.run),
aliases as (from waterfall.stage_aliases),
stages as (from waterfall.stages),
first_values as (from clean.first_values),
leads as (from clean.leads),
delivered as (from raw.leads),
lead_ids as (from clean.lead_ids),

kept as (
    select rows.lead_no from clean.entry_rows as rows where rows.disposition = 'kept'
),

created as (
    select
        first_values.lead_no,
        first_values.own_no,
        first_values.old_stage_no as stage_no,
        first_values.created_at as entered_at,
        first_values.load_no,
        first_values.row_number
    from first_values
    where first_values.outcome = 'entry'
    union all
    select
        leads.lead_no,
        lead_ids.own_no,
        aliases.stage_no,
        leads.created_at as entered_at,
        leads.attributes_load_no as load_no,
        leads.attributes_row_number as row_number
    from leads
    inner join run on run.entry_at_creation
    inner join aliases
        on aliases.alias = lower(trim(regexp_replace(nfc_normalize(regexp_replace(leads.created_stage, '[\x{AD}\x{61C}\x{200B}-\x{200F}\x{202A}-\x{202E}\x{2060}\x{2066}-\x{2069}\x{FEFF}]', '', 'g')), '[\t\n\x0B\f\r\x{85}\p{Z}]+', ' ', 'g'), ' '))
    inner join delivered
        on delivered.load_no = leads.attributes_load_no and delivered.row_number = leads.attributes_row_number
    inner join lead_ids on lead_ids.lead_id = delivered.lead_id
    where
        leads.is_in_scope
        and leads.created_at >= timestamp '2000-01-01'
        and leads.created_at <= run.as_of
        and leads.lead_no not in (select kept.lead_no from kept)
)

select
    created.*,
    cast(case stages.kind when 'path' then stages.rank when 'hold' then null else 32767 end as smallint) as rank_or_end,
    case when leads.deleted_at >= created.entered_at then leads.deleted_at end as deleted_at
from created
inner join stages on stages.stage_no = created.stage_no
inner join leads on leads.lead_no = created.lead_no
