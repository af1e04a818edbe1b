-- The slices of a dimension add up to the completed spans of the total.
-- severity: fail
with
time_in_stage as (
    select time_in_stage.* from marts.time_in_stage where time_in_stage.grain in ('month', 'all')
),

dimensions as (from waterfall.dimensions),

summed as (
    select
        time_in_stage.grain,
        time_in_stage.period_start,
        time_in_stage.stage,
        time_in_stage.next_stage,
        time_in_stage.dimension,
        sum(time_in_stage.completed) as completed
    from time_in_stage
    group by
        time_in_stage.grain,
        time_in_stage.period_start,
        time_in_stage.stage,
        time_in_stage.next_stage,
        time_in_stage.dimension
)

-- A dimension without any row has no sum to compare, so the number of dimensions is compared, too.
select summed.grain, summed.period_start, summed.stage, summed.next_stage
from summed
group by summed.grain, summed.period_start, summed.stage, summed.next_stage
having
    min(summed.completed) <> max(summed.completed)
    or (count(*) < (select count(*) from dimensions) and max(summed.completed) > 0)
