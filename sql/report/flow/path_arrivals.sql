-- One row per report, scope and path stage: the arrivals of cycles, and how they came, seen from the rank before (K7, K8).
-- through = a stage of the rank before was observed in the cycle; over = the cycle began below that rank and passed
-- without it; began_here = the cycle began at this rank.
-- unit: cycles
-- basis: activity: arrivals in the months named, whatever month they began in; conversion: final monthly cohorts
-- denominator: activity: arrivals at the stage before in the same months, it may exceed 100%; conversion: cohort
-- key: report, scope, stage
-- not null: is_partial, arrivals, through, over, began_here
-- accepted scope: recent, all
-- check: arrivals = through + over + began_here
-- column scope: recent = arrivals in the last twelve complete months; all = in all history
-- column first_month: first month of the scope
-- column last_month: last month of the scope
-- column is_partial: as-of is inside the last month of the scope
-- column arrivals: cycles that arrived at the stage in the scope
-- column through: of these, came through the rank before
-- column over: of these, began below the rank before and passed without it
-- column began_here: of these, the cycle began here
-- column rank: place on the path; equal = parallel
-- column previous_arrivals: cycles that arrived at the rank before in the scope; null for the first rank
-- column activity_rate: arrivals / previous_arrivals; may exceed 1, so it is not a conversion rate
with
reports as (from waterfall.reports),
months as (from report.months),

stages as (
    select stages.* from waterfall.stages as stages where stages.kind = 'path'
),

arrivals as (
    select arrivals.* from journey.arrivals_facts as arrivals where arrivals.low_rank is not null and not arrivals.is_group
),

shown_stays as (from journey.shown_stays),
cycles as (from journey.cycles_facts),

scopes as (
    select
        reports.report,
        'recent' as scope,
        min(months.month_start) as first_month,
        max(months.month_start) as last_month,
        false as is_partial
    from reports
    left join months on months.report = reports.report and months.is_recent and not months.is_partial
    group by reports.report
    union all
    select months.report, 'all', min(months.month_start), max(months.month_start), bool_or(months.is_partial)
    from months
    group by months.report
),

ranks_seen as (
    select
        arrivals.lead_no,
        arrivals.cycle_no,
        arrivals.low_rank,
        min(arrivals.span_no) as span_no,
        cast(date_trunc('month', min(arrivals.arrived_date)) as date) as month_start
    from arrivals
    group by arrivals.lead_no, arrivals.cycle_no, arrivals.low_rank
),

routes as (
    select
        shown_stays.report,
        arrivals.milestone_no,
        cast(date_trunc('month', arrivals.arrived_date) as date) as month_start,
        case
            when ranks_seen.lead_no is not null then 'through'
            when cycles.entry_rank < arrivals.low_rank - 1 then 'over'
            else 'began_here'
        end as way
    from arrivals
    inner join shown_stays on shown_stays.lead_no = arrivals.lead_no and shown_stays.span_no = arrivals.span_no
    inner join cycles on cycles.lead_no = arrivals.lead_no and cycles.cycle_no = arrivals.cycle_no
    left join ranks_seen
        on ranks_seen.lead_no = arrivals.lead_no
        and ranks_seen.cycle_no = arrivals.cycle_no
        and ranks_seen.low_rank = arrivals.low_rank - 1
),

-- Months are counted first, and the scopes add them up.
monthly as (
    select routes.report, routes.milestone_no, routes.month_start, routes.way, count(*) as arrivals
    from routes
    group by all
),

counted as (
    select
        scopes.report,
        scopes.scope,
        scopes.first_month,
        scopes.last_month,
        scopes.is_partial,
        stages.stage_no,
        stages.stage,
        stages.label,
        stages.rank,
        cast(coalesce(sum(monthly.arrivals), 0) as bigint) as arrivals,
        cast(coalesce(sum(monthly.arrivals) filter (where monthly.way = 'through'), 0) as bigint) as through,
        cast(coalesce(sum(monthly.arrivals) filter (where monthly.way = 'over'), 0) as bigint) as over,
        cast(coalesce(sum(monthly.arrivals) filter (where monthly.way = 'began_here'), 0) as bigint) as began_here
    from stages
    cross join scopes
    left join monthly
        on monthly.report = scopes.report
        and monthly.milestone_no = stages.stage_no
        and monthly.month_start between scopes.first_month and scopes.last_month
    group by
        scopes.report,
        scopes.scope,
        scopes.first_month,
        scopes.last_month,
        scopes.is_partial,
        stages.stage_no,
        stages.stage,
        stages.label,
        stages.rank
),

shown_seen as (
    select shown_stays.report, ranks_seen.low_rank, ranks_seen.month_start, count(*) as arrivals
    from ranks_seen
    inner join shown_stays on shown_stays.lead_no = ranks_seen.lead_no and shown_stays.span_no = ranks_seen.span_no
    group by all
),

-- A cycle that was in two parallel stages arrived at their rank once.
by_rank as (
    select scopes.report, scopes.scope, path_ranks.rank, cast(coalesce(sum(shown_seen.arrivals), 0) as bigint) as arrivals
    from scopes
    cross join (select distinct stages.rank from stages) as path_ranks
    left join shown_seen
        on shown_seen.report = scopes.report
        and shown_seen.low_rank = path_ranks.rank
        and shown_seen.month_start between scopes.first_month and scopes.last_month
    group by all
)

select
    counted.report,
    counted.scope,
    counted.first_month,
    counted.last_month,
    counted.is_partial,
    counted.stage_no,
    counted.stage,
    counted.label,
    counted.rank,
    counted.arrivals,
    counted.through,
    counted.over,
    counted.began_here,
    by_rank.arrivals as previous_arrivals,
    counted.arrivals / nullif(cast(by_rank.arrivals as double), 0) as activity_rate
from counted
left join by_rank
    on by_rank.report = counted.report and by_rank.scope = counted.scope and by_rank.rank = counted.rank - 1
order by counted.report, counted.scope, counted.rank, counted.stage_no
