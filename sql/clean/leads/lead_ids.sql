-- One row per delivered lead id, with the number and id of the lead that it belongs to after merges.
-- Ids are numbered in the order in which the landing log first contains them, so a later run numbers only its new ids.
-- The large windows sort these numbers instead of texts, which needs fewer bytes.
-- key: lead_id
-- unique: own_no
-- not null: survivor_id, lead_no, own_no, is_lead
-- column lead_id: the id as delivered
-- column survivor_id: the id after merges
-- column own_no: number of the id as delivered
-- column is_lead: whether a merge by as-of or a row that is not rejected names the id; false = only rejected rows do
with
run as (from waterfall.run),
aliases as (from waterfall.stage_aliases),
entries as (from raw.stage_entries),
leads as (from raw.leads),

merges as (
    select merges.* from raw.merges as merges where coalesce(lower(merges.object), 'lead') = 'lead'
),

survivors as (from clean.lead_survivors),

-- Load and row as one number: a load has fewer than 2^33 rows. A merge numbers its ids with its load, even if it is dated after
-- as-of: otherwise the numbers of later ids would change.
-- A row of history that clean.entry_rows rejects numbers its id and does not make it a lead.
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

-- An id that no row names counts if a merge by as-of names it.
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
