-- The slices of a dimension add up to the arrivals of the total, for through, over and entered_after each.
-- severity: fail
with
stage_arrivals as (
    select stage_arrivals.* from marts.stage_arrivals where stage_arrivals.grain in ('month', 'all')
),

dimensions as (from waterfall.dimensions),

summed as (
    select
        stage_arrivals.grain,
        stage_arrivals.period_start,
        stage_arrivals.from_stage,
        stage_arrivals.to_stage,
        stage_arrivals.dimension,
        sum(stage_arrivals.through) as through,
        sum(stage_arrivals.over) as over,
        sum(stage_arrivals.entered_after) as entered_after
    from stage_arrivals
    group by
        stage_arrivals.grain,
        stage_arrivals.period_start,
        stage_arrivals.from_stage,
        stage_arrivals.to_stage,
        stage_arrivals.dimension
)

-- A dimension without any row has no sum to compare, so the number of dimensions is compared, too.
select summed.grain, summed.period_start, summed.from_stage, summed.to_stage
from summed
group by summed.grain, summed.period_start, summed.from_stage, summed.to_stage
having
    min(summed.through) <> max(summed.through)
    or min(summed.over) <> max(summed.over)
    or min(summed.entered_after) <> max(summed.entered_after)
    or (count(*) < (select count(*) from dimensions) and max(summed.through + summed.over + summed.entered_after) > 0)
