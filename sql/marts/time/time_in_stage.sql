-- One row per grain, period of exit, dimension value, stage and next stage: how long completed spans lasted (T1).
-- Spans are sorted by stage and date before the quantiles, and grouped by one number, so that a group reads neighbouring memory.
-- Months and all time are stored; the other grains are computed on read.
-- Quantiles cannot spill to disk, so a history too long for the memory is built stage by stage.
-- stored: grain in ('month', 'all')
-- partition: stage_no, count(*) * (select count(*) from waterfall.dimensions) of journey.spans_facts, 100 bytes each
-- key: grain, period_start, dimension, dimension_value, stage, next_stage
-- not null: completed
-- column period_start: first day of the period in which the spans ended
-- column next_stage: where the leads went; all = anywhere, (deleted) = deleted in the source
-- column completed: spans that ended, without those that an unknown stage interrupts
-- column mean_days: mean length of these spans
-- column median_days: their median
-- column p90_days: their 90th percentile
with
stages as (from waterfall.stages),
milestones as (from waterfall.milestones),
day_periods as (from waterfall.day_periods),

spans as (
    select spans.* from journey.spans_facts as spans where spans.exited_at is not null
),

interrupted as (from journey.interrupted_stays),
slice_members as (from journey.slice_members),
slices as (from journey.slices),

-- The length of a span that an unknown stage interrupts is not known.
measured as (
    select spans.*
    from spans
    where not exists (
        select 1 from interrupted where interrupted.lead_no = spans.lead_no and interrupted.span_no = spans.span_no
    )
),

-- Number 0 means that the lead was deleted, -1 means any next stage.
lengths as (
    select
        measured.slice_set,
        measured.stage_no,
        measured.exited_date,
        coalesce(measured.next_stage_no, 0) as next_no,
        epoch_us(measured.exited_at) - epoch_us(measured.entered_at) as us_in_stage
    from measured
    order by (cast(measured.stage_no as bigint) * 100000 + next_no) * 1000000 + (measured.exited_date - date '1970-01-01')
),

ways as (
    select
        lengths.slice_set,
        lengths.exited_date,
        lengths.us_in_stage,
        cast(lengths.stage_no as bigint) * 100000 + unnest([-1, lengths.next_no]) + 1 as way
    from lengths
),

counted as (
    select
        day_periods.grain,
        day_periods.period_start,
        slice_members.slice_no * 10000000000 + ways.way as place,
        count(*) as completed,
        sum(ways.us_in_stage) as us_total,
        quantile_cont(ways.us_in_stage, [0.5, 0.9]) as us_quantiles
    from ways
    inner join slice_members on slice_members.slice_set = ways.slice_set
    inner join day_periods on day_periods.day = ways.exited_date
    group by all
),

unpacked as (
    select
        counted.* exclude (place),
        counted.place // 10000000000 as slice_no,
        counted.place // 100000 % 100000 as stage_no,
        counted.place % 100000 - 1 as next_no
    from counted
),

-- A stage that no lead has left yet has a row, too.
never_left as (
    select 'all' as grain, cast(null as date) as period_start, slices.slice_no, stages.stage_no, -1 as next_no, 0 as completed
    from stages
    inner join slices on slices.dimension = 'all'
    where stages.stage_no not in (select measured.stage_no from measured)
)

select
    counted.grain,
    counted.period_start,
    slices.dimension,
    slices.dimension_value,
    stages.stage,
    case counted.next_no when -1 then 'all' when 0 then '(deleted)' else next_stages.milestone end as next_stage,
    counted.completed,
    cast(counted.us_total as double) / nullif(counted.completed, 0) / 86400000000 as mean_days,
    counted.us_quantiles[1] / 86400000000 as median_days,
    counted.us_quantiles[2] / 86400000000 as p90_days
from (select * from unpacked union all by name select * from never_left) as counted
inner join stages on stages.stage_no = counted.stage_no
-- A partition has only some stages, but every milestone. A milestone of one stage has its number.
left join milestones as next_stages on next_stages.milestone_no = counted.next_no
inner join slices on slices.slice_no = counted.slice_no
