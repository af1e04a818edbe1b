-- For every dimension, the units of both months are those of the pair, and mix and rates add up to the change of its rate.
-- severity: fail
with
changes as (
    select changes.*
    from report.rate_change as changes
    where changes.report = 'all' and changes.change is not null
),

parts as (from report.rate_change_parts),

dimensions as (
    select dimensions.* from waterfall.dimensions as dimensions where dimensions.position > 0
),

summed as (
    select
        parts.headline_no,
        parts.window_days,
        parts.dimension,
        sum(parts.latest_entered) as latest_entered,
        sum(parts.latest_converted) as latest_converted,
        sum(parts.previous_entered) as previous_entered,
        sum(parts.previous_converted) as previous_converted,
        sum(parts.mix_part + parts.rate_part) as change
    from parts
    group by all
)

select changes.report, changes.headline_no, changes.window_days, dimensions.dimension
from changes
cross join dimensions
left join summed
    on summed.headline_no = changes.headline_no
    and summed.window_days is not distinct from changes.window_days
    and summed.dimension = dimensions.dimension
where
    not coalesce(
        summed.latest_entered = changes.latest_entered
        and summed.latest_converted = changes.latest_converted
        and summed.previous_entered = changes.previous_entered
        and summed.previous_converted = changes.previous_converted
        and abs(summed.change - changes.change) <= 1e-12,
        false
    )
