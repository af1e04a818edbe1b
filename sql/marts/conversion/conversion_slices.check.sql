-- The slices of a dimension add up to the total of every cohort: entered, and each outcome.
-- severity: fail
with
conversion as (
    select conversion.* from marts.conversion where conversion.grain in ('month', 'all')
),

dimensions as (from waterfall.dimensions),

summed as (
    select
        conversion.unit,
        conversion.grain,
        conversion.cohort_start,
        conversion.from_stage,
        conversion.to_stage,
        conversion.window_days,
        conversion.dimension,
        sum(conversion.entered) as entered,
        sum(conversion.converted) as converted,
        sum(conversion.passed_over) as passed_over,
        sum(conversion.lost) as lost,
        sum(conversion.still_open) as still_open
    from conversion
    group by
        conversion.unit,
        conversion.grain,
        conversion.cohort_start,
        conversion.from_stage,
        conversion.to_stage,
        conversion.window_days,
        conversion.dimension
)

-- A dimension without any row has no sum to compare, so the number of dimensions is compared, too.
select summed.unit, summed.grain, summed.cohort_start, summed.from_stage, summed.to_stage, summed.window_days
from summed
group by summed.unit, summed.grain, summed.cohort_start, summed.from_stage, summed.to_stage, summed.window_days
having
    min(summed.entered) <> max(summed.entered)
    or min(summed.converted) <> max(summed.converted)
    or min(summed.passed_over) <> max(summed.passed_over)
    or min(summed.lost) <> max(summed.lost)
    or min(summed.still_open) <> max(summed.still_open)
    or (count(*) < (select count(*) from dimensions) and max(summed.entered) > 0)
