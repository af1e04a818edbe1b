-- Qualified and direct add up to all in marts.conversion_by_route, and all is what marts.conversion counts.
-- severity: fail
with
pairs as (from waterfall.pairs),
milestones as (from waterfall.milestones),
stages as (from waterfall.stages),
routes as (from marts.conversion_by_route),

conversion as (
    select conversion.*
    from marts.conversion as conversion
    where
        conversion.unit = 'cycle'
        and conversion.grain in ('month', 'all')
        and conversion.dimension = 'all'
        and conversion.window_days is null
),

added as (
    select
        routes.grain, routes.cohort_start, routes.from_stage, routes.to_stage,
        sum(routes.entered) as entered,
        sum(routes.converted) as converted,
        sum(routes.passed_over) as passed_over,
        sum(routes.lost) as lost,
        sum(routes.still_open) as still_open
    from routes
    where routes.route <> 'all'
    group by all
),

totals as (
    select routes.* from routes where routes.route = 'all'
),

lowest as (
    select min(stages.rank) as rank from stages where stages.qualifies and stages.kind = 'path'
),

pairs_past as (
    select pairs.from_stage, pairs.to_stage
    from pairs
    inner join milestones on milestones.milestone_no = pairs.from_milestone_no
    inner join lowest on milestones.low_rank > lowest.rank
),

expected as (
    select conversion.*
    from conversion
    inner join pairs_past
        on pairs_past.from_stage = conversion.from_stage and pairs_past.to_stage = conversion.to_stage
)

select coalesce(totals.from_stage, expected.from_stage) as from_stage, coalesce(totals.to_stage, expected.to_stage) as to_stage
from expected
full join totals
    on totals.grain = expected.grain
    and totals.cohort_start is not distinct from expected.cohort_start
    and totals.from_stage = expected.from_stage
    and totals.to_stage = expected.to_stage
left join added
    on added.grain = totals.grain
    and added.cohort_start is not distinct from totals.cohort_start
    and added.from_stage = totals.from_stage
    and added.to_stage = totals.to_stage
where
    expected.entered is distinct from totals.entered
    or expected.converted is distinct from totals.converted
    or expected.passed_over is distinct from totals.passed_over
    or expected.lost is distinct from totals.lost
    or expected.still_open is distinct from totals.still_open
    or added.entered is distinct from totals.entered
    or added.converted is distinct from totals.converted
    or added.passed_over is distinct from totals.passed_over
    or added.lost is distinct from totals.lost
    or added.still_open is distinct from totals.still_open
