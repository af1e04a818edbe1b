-- One row per run of a lead along the path (C1 to C6), in numbers only.
-- key: lead_no, cycle_no
-- unique: cycle_id
-- not null: entry_stage_no, started_at, outcome, furthest_stage_no, qualified_by
-- accepted outcome: completed, exited, detoured, regressed, deleted, open
-- check: (outcome = 'open') = (ended_at is null)
-- check: ended_at >= started_at
-- column cycle_id: number of the cycle over all leads
-- column entry_rank: rank of the stage that opened the cycle
-- column first_span_no: number of the stay that opened the cycle
with
spans as (
    select spans.* from journey.spans_narrow as spans where spans.cycle_no > 0
),

stages as (
    from waterfall.stages
),

facts as (
    select
        spans.lead_no,
        spans.cycle_no,
        arg_min(spans.stage_no, spans.span_no) as entry_stage_no,
        arg_min(stages.rank, spans.span_no) as entry_rank,
        min(spans.entered_at) as started_at,
        min(spans.span_no) as first_span_no,
        min(spans.entered_at) filter (where stages.is_last) as completed_at,
        -- Highest rank first, then the stay that came first: one ordering key, unique in the cycle.
        arg_max(spans.stage_no, cast(stages.rank as bigint) * 1000000000 - spans.span_no) filter (where stages.kind = 'path') as furthest_stage_no,
        arg_max(coalesce(stages.team, '(none)'), cast(stages.rank as bigint) * 1000000000 - spans.span_no)
            filter (where stages.kind = 'path' and stages.qualifies) as qualified_by,
        arg_min(stages.kind, spans.span_no) filter (where stages.kind in ('detour', 'exit')) as ender_kind,
        min(spans.entered_at) filter (where stages.kind in ('detour', 'exit')) as left_path_at,
        max(spans.exited_at) filter (where spans.exit_kind = 'deleted') as deleted_at
    from spans
    inner join stages on stages.stage_no = spans.stage_no
    group by spans.lead_no, spans.cycle_no
),

followed as (
    select
        facts.*,
        lead(facts.started_at) over (partition by facts.lead_no order by facts.cycle_no) as next_started_at
    from facts
)

select
    row_number() over (order by followed.lead_no, followed.cycle_no) as cycle_id,
    followed.lead_no,
    followed.cycle_no,
    followed.entry_stage_no,
    followed.entry_rank,
    followed.started_at,
    case
        when followed.completed_at is not null then followed.completed_at
        when followed.left_path_at is not null then followed.left_path_at
        when followed.next_started_at is not null then followed.next_started_at
        else followed.deleted_at
    end as ended_at,
    case
        when followed.completed_at is not null then 'completed'
        when followed.ender_kind = 'detour' then 'detoured'
        when followed.ender_kind = 'exit' then 'exited'
        when followed.next_started_at is not null then 'regressed'
        when followed.deleted_at is not null then 'deleted'
        else 'open'
    end as outcome,
    followed.furthest_stage_no,
    coalesce(followed.qualified_by, 'direct') as qualified_by,
    followed.first_span_no
from followed
