-- One row per lead id that was merged away by as-of, with the lead at the end of the chain of merges (E3).
-- A later merge of the same id replaces an earlier one, a lead merged into itself is independent again, and a loop of two or more
-- stops the run (clean.lead_survivors.check.sql).
-- key: lead_id
-- not null: survivor_id
-- column lead_id: the id that was merged away
-- column survivor_id: the id at the end of the chain
with recursive
run as (from waterfall.run),
delivered as (from raw.merges),

latest as (
    select delivered.from_lead_id as from_id, delivered.into_lead_id as into_id
    from delivered
    cross join run
    where
        coalesce(lower(delivered.object), 'lead') = 'lead'
        and (delivered.merged_at is null or delivered.merged_at <= run.as_of)
    qualify row_number() over (
        partition by delivered.from_lead_id order by delivered.load_no desc, delivered.row_number desc
    ) = 1
),

merges as (
    select latest.from_id, latest.into_id
    from latest
    where latest.from_id <> latest.into_id
),

-- Pointer doubling: each step replaces the survivor of an id by that survivor's own survivor, so a chain of n merges needs
-- log2(n) steps. The limit of 40 steps ends a loop; no chain is that long.
chains(lead_id, survivor_id, steps) using key (lead_id) as (
    select merges.from_id, merges.into_id, 0
    from merges
    union
    select chains.lead_id, further.survivor_id, chains.steps + 1
    from chains
    inner join recurring.chains as further on further.lead_id = chains.survivor_id
    where chains.steps < 40
)

select
    chains.lead_id,
    chains.survivor_id
from chains
