-- One row per lead id ever delivered, with the number and id of the lead that it now stands for.
-- key: lead_id
-- not null: survivor_id, lead_no
-- column lead_id: the id as delivered
-- column survivor_id: the id after merges
with
entries as (
    from raw.stage_entries
),

leads as (
    from raw.leads
),

survivors as (
    from clean.lead_survivors
),

delivered as (
    select entries.lead_id from entries
    union
    select leads.lead_id from leads
    union
    select survivors.survivor_id from survivors
    union
    select survivors.lead_id from survivors
)

select
    delivered.lead_id,
    coalesce(survivors.survivor_id, delivered.lead_id) as survivor_id,
    -- Numbers, not words, go through the big windows: a tenth of the bytes to sort.
    cast(dense_rank() over (order by coalesce(survivors.survivor_id, delivered.lead_id)) as integer) as lead_no
from delivered
left join survivors on survivors.lead_id = delivered.lead_id
