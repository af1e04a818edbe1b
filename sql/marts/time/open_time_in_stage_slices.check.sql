-- The slices of a dimension add up to the open spans of the total.
-- severity: fail
with
open_time_in_stage as (from marts.open_time_in_stage),
dimensions as (from waterfall.dimensions),

summed as (
    select
        open_time_in_stage.stage,
        open_time_in_stage.dimension,
        sum(open_time_in_stage.still_open) as still_open
    from open_time_in_stage
    group by
        open_time_in_stage.stage,
        open_time_in_stage.dimension
)

-- A dimension without any row has no sum to compare, so the number of dimensions is compared, too.
select summed.stage
from summed
group by summed.stage
having
    min(summed.still_open) <> max(summed.still_open)
    or (count(*) < (select count(*) from dimensions) and max(summed.still_open) > 0)
