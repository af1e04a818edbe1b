-- One row per report, shown pair past qualification and route: the counts of all cohorts, and of the months whose total is final.
-- The months are the same for every route: complete months whose total is final by age (K5). Unit: cycle, window: ever.
-- unit: cycles
-- basis: counts: all cohorts, window: ever; final months: those final for all routes together
-- denominator: entered; final months: the number after “of”; entered = converted + passed over + lost + still open
-- key: report, shown_no, route
-- not null: entered, converted, passed_over, lost, still_open, mature_entered, mature_converted, mature_months
-- accepted route: all, qualified, direct
-- check: entered = converted + passed_over + lost + still_open
-- check: mature_low <= mature_rate and mature_rate <= mature_high
-- column report: always all, the report of all leads
-- column shown_no: place of the pair in the report
-- column from_label: A's label
-- column to_label: B's label
-- column route_no: place in the report: all, qualified, direct
-- column route: how the cycles came to A: qualified, direct, or all of them
-- column mature_months: months in the mature columns
-- column mature_entered: cycles that arrived at A in these months
-- column mature_converted: of these, arrived at B
-- column mature_rate: mature_converted / mature_entered
-- column mature_low: lower bound of its 95 % Wilson interval
-- column mature_high: upper bound of it
with
stages as (from waterfall.stages),
milestones as (from waterfall.milestones),
pairs as (from waterfall.pairs),
routes as (from marts.conversion_by_route),

months as (
    select months.* from report.months as months where months.report = 'all'
),

-- marts.conversion_by_route has no slices.
pairs_shown as (
    select pairs_shown.* from report.pairs_shown as pairs_shown where pairs_shown.report = 'all'
),

lowest as (
    select min(stages.rank) as rank from stages where stages.qualifies and stages.kind = 'path'
),

route_names as (
    select unnest(['all', 'qualified', 'direct']) as route, unnest([1, 2, 3]) as route_no
),

-- Every route of a shown pair has a row, also without a cycle.
shown as (
    select pairs_shown.*, route_names.route, route_names.route_no
    from pairs_shown
    inner join pairs on pairs.pair_no = pairs_shown.pair_no
    inner join milestones on milestones.milestone_no = pairs.from_milestone_no
    inner join lowest on milestones.low_rank > lowest.rank
    cross join route_names
),

mature_months as (
    select routes.from_stage, routes.to_stage, routes.cohort_start
    from routes
    inner join months on months.month_start = routes.cohort_start
    where routes.grain = 'month' and routes.route = 'all' and routes.is_mature and not months.is_partial
),

mature as (
    select
        routes.from_stage,
        routes.to_stage,
        routes.route,
        sum(routes.entered) as entered,
        sum(routes.converted) as converted
    from routes
    inner join mature_months
        on mature_months.from_stage = routes.from_stage
        and mature_months.to_stage = routes.to_stage
        and mature_months.cohort_start = routes.cohort_start
    where routes.grain = 'month'
    group by all
),

how_many as (
    select mature_months.from_stage, mature_months.to_stage, count(*) as months
    from mature_months
    group by all
)

select
    shown.report,
    shown.shown_no,
    shown.from_stage,
    shown.to_stage,
    shown.from_label,
    shown.to_label,
    shown.route_no,
    shown.route,
    coalesce(routes.entered, 0) as entered,
    coalesce(routes.converted, 0) as converted,
    coalesce(routes.passed_over, 0) as passed_over,
    coalesce(routes.lost, 0) as lost,
    coalesce(routes.still_open, 0) as still_open,
    routes.rate,
    routes.rate_low,
    routes.rate_high,
    coalesce(how_many.months, 0) as mature_months,
    cast(coalesce(mature.entered, 0) as bigint) as mature_entered,
    cast(coalesce(mature.converted, 0) as bigint) as mature_converted,
    mature.converted / cast(mature.entered as double) as mature_rate,
    wilson_low(mature.converted, mature.entered) as mature_low,
    wilson_high(mature.converted, mature.entered) as mature_high
from shown
left join how_many on how_many.from_stage = shown.from_stage and how_many.to_stage = shown.to_stage
left join mature
    on mature.from_stage = shown.from_stage and mature.to_stage = shown.to_stage and mature.route = shown.route
left join routes
    on routes.grain = 'all'
    and routes.from_stage = shown.from_stage
    and routes.to_stage = shown.to_stage
    and routes.route = shown.route
order by shown.report, shown.shown_no, shown.route_no
