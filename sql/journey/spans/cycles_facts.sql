-- One row per cycle (C1 to C6), in numbers only: a run of a lead along the path, until it leaves the path or moves back.
-- Order and stage are packed into one number, so that min and max find the first and last span faster than arg_min.
-- A history too long for the memory is built in batches, so that its groups do not spill to disk.
-- partition: lead_no, count(*) of clean.entries_facts, 200 bytes each
-- key: lead_no, cycle_no
-- unique: cycle_id
-- not null: entry_stage_no, started_at, outcome, furthest_stage_no, qualified_by
-- accepted outcome: completed, exited, detoured, regressed, deleted, open
-- check: (outcome = 'open') = (ended_at is null)
-- check: ended_at >= started_at
-- column cycle_id: number of the cycle over all leads: the number of the lead, then of the cycle
-- column entry_rank: rank of the stage that opened the cycle
-- column first_span_no: number of the span that opened the cycle
with
stays as (
    select stays.* from journey.stays as stays where stays.cycle_no > 0
),

stages as (from waterfall.stages),

-- Twenty bits for the span, fifteen for the stage.
numbered as (
    select
        stays.lead_no,
        stays.cycle_no,
        stays.span_no,
        stays.entered_at,
        stays.exited_at,
        stays.exit_kind,
        stages.kind,
        stages.is_last,
        stages.qualifies,
        cast(stays.span_no as bigint) * 32768 + stays.stage_no as by_time,
        -- Highest rank first, then the earliest span.
        (cast(stages.rank as bigint) * 1048576 + 1048575 - stays.span_no) * 32768 + stays.stage_no as by_rank
    from stays
    inner join stages on stages.stage_no = stays.stage_no
),

facts as (
    select
        numbered.lead_no,
        numbered.cycle_no,
        min(numbered.by_time) % 32768 as entry_stage_no,
        min(numbered.span_no) as first_span_no,
        min(numbered.entered_at) as started_at,
        min(numbered.entered_at) filter (where numbered.is_last) as completed_at,
        max(numbered.by_rank) filter (where numbered.kind = 'path') % 32768 as furthest_stage_no,
        max(numbered.by_rank) filter (where numbered.kind = 'path' and numbered.qualifies) % 32768 as qualified_stage_no,
        min(numbered.by_time) filter (where numbered.kind in ('detour', 'exit')) as ender,
        min(numbered.by_time) filter (where numbered.exit_kind = 'deleted') as deletion,
        min(numbered.entered_at) filter (where numbered.kind in ('detour', 'exit')) as left_path_at,
        min(numbered.exited_at) filter (where numbered.exit_kind = 'deleted') as deleted_at,
        -- End of the last span of the cycle: at the next cycle, at the deletion, or never.
        max(numbered.exited_at) as left_at,
        bool_or(numbered.exit_kind = 'open') as is_open
    from numbered
    group by numbered.lead_no, numbered.cycle_no
),

-- The first end counts: after a deletion, a span off the path belongs to a cycle that has ended (E10).
first_ends as (
    select
        facts.*,
        coalesce(facts.deletion < facts.ender or (facts.deletion is not null and facts.ender is null), false) as is_deleted,
        facts.ender % 32768 as ender_stage_no
    from facts
)

select
    cast(first_ends.lead_no as bigint) * 1048576 + first_ends.cycle_no as cycle_id,
    first_ends.lead_no,
    first_ends.cycle_no,
    cast(first_ends.entry_stage_no as smallint) as entry_stage_no,
    entry_stages.rank as entry_rank,
    first_ends.started_at,
    case
        when first_ends.completed_at is not null then first_ends.completed_at
        when first_ends.is_deleted then first_ends.deleted_at
        when first_ends.left_path_at is not null then first_ends.left_path_at
        when not first_ends.is_open then first_ends.left_at
    end as ended_at,
    case
        when first_ends.completed_at is not null then 'completed'
        when first_ends.is_deleted then 'deleted'
        when ender_stages.kind = 'detour' then 'detoured'
        when ender_stages.kind = 'exit' then 'exited'
        when first_ends.is_open then 'open'
        else 'regressed'
    end as outcome,
    cast(first_ends.furthest_stage_no as smallint) as furthest_stage_no,
    coalesce(qualified_stages.team, case when first_ends.qualified_stage_no is null then 'direct' else '(none)' end) as qualified_by,
    first_ends.first_span_no
from first_ends
inner join stages as entry_stages on entry_stages.stage_no = first_ends.entry_stage_no
left join stages as ender_stages on ender_stages.stage_no = first_ends.ender_stage_no
left join stages as qualified_stages on qualified_stages.stage_no = first_ends.qualified_stage_no
