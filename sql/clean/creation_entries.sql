-- One row per lead without any accepted entry, whose input says in which stage and when it was created (E9).
-- Only with entry_at_creation. The stage is compared as those of history are, after the same clean-up.
-- key: lead_no
-- not null: own_no, stage_no, entered_at, load_no, row_number
-- column own_no: number of the lead's id as that row gives it
-- column entered_at: moment (UTC) of creation
-- column load_no: load of leads that says so
-- column row_number: row of that load
with
run as (
    from waterfall.run
),

aliases as (
    from waterfall.stage_aliases
),

leads as (
    from clean.leads
),

delivered as (
    from raw.leads
),

lead_ids as (
    from clean.lead_ids
),

kept as (
    select rows.lead_no from clean.entry_rows as rows where rows.disposition = 'kept'
)

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
    on aliases.alias = lower(trim(regexp_replace(regexp_replace(leads.created_stage, '[\x{200B}-\x{200D}\x{2060}\x{FEFF}]', '', 'g'), '[\t\n\x0B\f\r\x{85}\p{Z}]+', ' ', 'g'), ' '))
inner join delivered
    on delivered.load_no = leads.attributes_load_no and delivered.row_number = leads.attributes_row_number
inner join lead_ids on lead_ids.lead_id = delivered.lead_id
where
    leads.is_in_scope
    and leads.created_at >= timestamp '2000-01-01'
    and leads.created_at <= run.as_of
    and leads.lead_no not in (select kept.lead_no from kept)
