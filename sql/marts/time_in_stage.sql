-- One row per grain, period of exit, dimension value, stage and next stage: how long completed stays lasted (T1).
-- key: grain, period_start, dimension, dimension_value, stage, next_stage
-- not null: completed
-- column period_start: first day of the period in which the stays ended
-- column next_stage: where the leads went; all = anywhere, (deleted) = deleted in the source
-- column completed: stays that ended
-- column mean_days: mean length of these stays
-- column median_days: their median
-- column p90_days: their 90th percentile
with
stages as (
    from waterfall.stages
),

day_periods as (
    from waterfall.day_periods
),

spans as (
    select spans.* from journey.spans_narrow as spans where spans.exited_at is not null
),

cut_sets as (
    from journey.cut_sets
),

cuts as (
    from journey.cuts
),

lengths as (
    select
        spans.cut_set,
        spans.stage_no,
        spans.exited_date,
        epoch_us(spans.exited_at) - epoch_us(spans.entered_at) as us_in_stage,
        unnest(['all', coalesce(next_stages.stage, '(deleted)')]) as next_stage
    from spans
    left join stages as next_stages on next_stages.stage_no = spans.next_stage_no
),

counted as (
    select
        day_periods.grain,
        day_periods.period_start,
        cut_sets.cut_no,
        lengths.stage_no,
        lengths.next_stage,
        count(*) as completed,
        sum(lengths.us_in_stage) as us_total,
        quantile_cont(lengths.us_in_stage, [0.5, 0.9]) as us_quantiles
    from lengths
    inner join cut_sets on cut_sets.cut_set = lengths.cut_set
    inner join day_periods on day_periods.day = lengths.exited_date
    group by
        day_periods.grain,
        day_periods.period_start,
        cut_sets.cut_no,
        lengths.stage_no,
        lengths.next_stage
),

-- A stage that nobody has left yet is a fact, too.
never_left as (
    select 'all' as grain, cast(null as date) as period_start, cuts.cut_no, stages.stage_no, 'all' as next_stage, 0 as completed
    from stages
    inner join cuts on cuts.dimension = 'all'
    where stages.stage_no not in (select spans.stage_no from spans)
)

select
    counted.grain,
    counted.period_start,
    cuts.dimension,
    cuts.dimension_value,
    stages.stage,
    counted.next_stage,
    counted.completed,
    cast(counted.us_total as double) / nullif(counted.completed, 0) / 86400000000 as mean_days,
    counted.us_quantiles[1] / 86400000000 as median_days,
    counted.us_quantiles[2] / 86400000000 as p90_days
from (select * from counted union all by name select * from never_left) as counted
inner join stages on stages.stage_no = counted.stage_no
inner join cuts on cuts.cut_no = counted.cut_no
