-- One row per lead id ever delivered, with the number and id of the lead that it now stands for.
-- Ids are numbered in the order in which the log first knew them, so a later night numbers its new ids and no other.
-- Numbers, not words, go through the big windows: fewer bytes to sort.
-- key: lead_id
-- unique: own_no
-- not null: survivor_id, lead_no, own_no, is_lead
-- column lead_id: the id as delivered
-- column survivor_id: the id after merges
-- column own_no: number of the id as delivered
-- column is_lead: whether a row that counts, or is to come, names the id, or a merge by as-of; false = rejected rows alone do
with
run as (from waterfall.run),
aliases as (from waterfall.stage_aliases),
entries as (from raw.stage_entries),
leads as (from raw.leads),

merges as (
    select merges.* from raw.merges as merges where coalesce(lower(merges.object), 'lead') = 'lead'
),

survivors as (from clean.lead_survivors),

-- Load and row as one number: rows of a load stay below 2^33. A merge numbers its ids when the log first knows it, also
-- where it is still to come: the numbers of later ids must not wait for it.
-- A row of history that clean.entry_rows rejects is one, and makes no lead.
delivered as (
    select
        entries.lead_id,
        cast(entries.load_no as bigint) * 8589934592 + entries.row_number as place,
        true as is_row,
        aliases.alias is not null and entries.entered_at <= run.as_of + interval 1 year as makes_lead
    from entries
    cross join run
    left join aliases on aliases.alias = entries.stage_alias
    union all
    select leads.lead_id, cast(leads.load_no as bigint) * 8589934592 + leads.row_number, true, true from leads
    union all
    select merges.from_lead_id, cast(merges.load_no as bigint) * 8589934592 + merges.row_number, false, false from merges
    union all
    select merges.into_lead_id, cast(merges.load_no as bigint) * 8589934592 + merges.row_number, false, false from merges
),

firsts as (
    select
        delivered.lead_id,
        min(delivered.place) as place,
        bool_or(delivered.is_row) as has_rows,
        bool_or(delivered.makes_lead) as makes_lead
    from delivered
    group by delivered.lead_id
),

numbered as (
    select
        firsts.lead_id,
        firsts.has_rows,
        firsts.makes_lead,
        cast(row_number() over (order by firsts.place, firsts.lead_id) as integer) as own_no
    from firsts
),

-- Of ids that no row names, those count that a merge by as-of names.
merged as (
    select survivors.lead_id, survivors.survivor_id, numbered.own_no as survivor_no
    from survivors
    inner join numbered on numbered.lead_id = survivors.survivor_id
),

known as (
    select merged.lead_id from merged
    union
    select merged.survivor_id from merged
)

select
    numbered.lead_id,
    coalesce(merged.survivor_id, numbered.lead_id) as survivor_id,
    coalesce(merged.survivor_no, numbered.own_no) as lead_no,
    numbered.own_no,
    numbered.makes_lead or known.lead_id is not null as is_lead
from numbered
left join merged on merged.lead_id = numbered.lead_id
left join known on known.lead_id = numbered.lead_id
where numbered.has_rows or known.lead_id is not null
