-- One row per report and path stage: the last complete month against the month before: cycles that arrived, and days of the stays that ended.
-- The difference of two counts is not significant if (n1 − n0)² <= z² · (n1 + n0): the normal test that two Poisson counts have one mean
-- (Przyborowski and Wilenski 1940, Biometrika 31: 313-323, condition on the sum; here its normal approximation). Medians are
-- shown with their counts and not tested.
-- unit: cycles
-- basis: arrivals in the month; no clear change: chance explains the difference, (n₁ − n₀)² ≤ 1.96² · (n₁ + n₀); too few: fewer than 20 arrivals in both months together
-- key: report, stage
-- unique: report, stage_no
-- not null: rank, latest_ended, previous_ended
-- check: is_noise is null or is_enough is not null
-- column label: label of the stage
-- column rank: place on the path; equal = parallel
-- column latest_month: last complete month; null while there is none
-- column previous_month: the month before it; null while there is none
-- column latest_arrivals: cycles that arrived at the stage in the last complete month; null while there is none
-- column previous_arrivals: cycles that arrived in the month before it; null while there is none
-- column change: latest_arrivals − previous_arrivals
-- column is_noise: the difference of the two counts is not significant at 95 %
-- column is_enough: at least 20 arrivals in both months together; below that the difference is not judged
-- column latest_ended: stays in the stage that ended in the last complete month
-- column latest_median_days: their median length
-- column previous_ended: stays that ended in the month before it
-- column previous_median_days: their median length
-- column overdue: leads now past the SLA of the stage; null if it has none
with
stages as (
    select stages.* from waterfall.stages as stages where stages.kind = 'path'
),

run as (from waterfall.run),
reports as (from waterfall.reports),

months as (
    select months.* from report.months as months where not months.is_partial
),

shown_sets as (from journey.shown_sets),

arrivals as (
    select arrivals.* from journey.arrivals_facts as arrivals where not arrivals.is_group
),

times as (
    select reports.report, times.*
    from marts.time_in_stage as times
    inner join reports on reports.dimension = times.dimension and reports.dimension_value = times.dimension_value
    where times.grain = 'month' and times.next_stage = 'all'
),

limits as (
    select reports.report, limits.*
    from marts.sla as limits
    inner join reports on reports.dimension = limits.dimension and reports.dimension_value = limits.dimension_value
    where limits.grain = 'all'
),

compared_months as (
    select
        reports.report,
        max(months.month_start) as latest_month,
        cast(max(months.month_start) - interval 1 month as date) as month_before,
        min(months.month_start) as first_month
    from reports
    left join months on months.report = reports.report
    group by reports.report
),

named as (
    select
        compared_months.report,
        compared_months.latest_month,
        case
            when compared_months.month_before >= compared_months.first_month then compared_months.month_before
        end as previous_month
    from compared_months
),

by_month as (
    select
        shown_sets.report,
        arrivals.milestone_no,
        cast(date_trunc('month', arrivals.arrived_date) as date) as month_start,
        count(*) as arrivals
    from arrivals
    inner join shown_sets on shown_sets.slice_set = arrivals.slice_set
    group by shown_sets.report, arrivals.milestone_no, cast(date_trunc('month', arrivals.arrived_date) as date)
),

counted as (
    select
        named.report,
        stages.stage_no,
        stages.stage,
        stages.label,
        stages.rank,
        stages.sla_seconds,
        named.latest_month,
        named.previous_month,
        case when named.latest_month is not null then coalesce(latest.arrivals, 0) end as latest_arrivals,
        case when named.previous_month is not null then coalesce(previous.arrivals, 0) end as previous_arrivals
    from stages
    cross join named
    left join by_month as latest
        on latest.report = named.report
        and latest.milestone_no = stages.stage_no
        and latest.month_start = named.latest_month
    left join by_month as previous
        on previous.report = named.report
        and previous.milestone_no = stages.stage_no
        and previous.month_start = named.previous_month
)

select
    counted.report,
    counted.stage_no,
    counted.stage,
    counted.label,
    counted.rank,
    counted.latest_month,
    counted.latest_arrivals,
    counted.previous_month,
    counted.previous_arrivals,
    counted.latest_arrivals - counted.previous_arrivals as change,
    (counted.latest_arrivals - counted.previous_arrivals) * (counted.latest_arrivals - counted.previous_arrivals)
    <= run.z * run.z * (counted.latest_arrivals + counted.previous_arrivals) as is_noise,
    counted.latest_arrivals + counted.previous_arrivals >= 20 as is_enough,
    coalesce(latest_times.completed, 0) as latest_ended,
    latest_times.median_days as latest_median_days,
    coalesce(previous_times.completed, 0) as previous_ended,
    previous_times.median_days as previous_median_days,
    case when counted.sla_seconds is not null then coalesce(limits.open_overdue, 0) end as overdue
from counted
cross join run
left join times as latest_times
    on latest_times.report = counted.report
    and latest_times.stage = counted.stage
    and latest_times.period_start = counted.latest_month
left join times as previous_times
    on previous_times.report = counted.report
    and previous_times.stage = counted.stage
    and previous_times.period_start = counted.previous_month
left join limits on limits.report = counted.report and limits.stage = counted.stage
order by counted.report, counted.stage_no
