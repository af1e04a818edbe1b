-- One row per report, pair of the report, month and window: the counts of the month's cohort, also if it has no unit. Unit: the run's.
-- unit: headline units
-- basis: cohorts by month of arrival at the first stage of the pair, in every window
-- denominator: entered; entered = converted + passed over + lost + still open
-- key: report, pair_no, month_start, window_days
-- not null: entered, converted, passed_over, lost, still_open, is_partial
-- check: entered = converted + passed_over + lost + still_open
-- column month_start: first day of the month in which the units arrived at A
-- column shown_no: place of the pair in the report
-- column still_open_share: still_open / entered
-- column label: the month's name
-- column is_mature: final by age (K5), so the rate is compared and drawn; null without a unit
-- column is_partial: as-of is inside the month
-- column settled_estimate: cohorts of a headline pair that are not final and have open units, window: ever: share expected in the end (report.settled)
-- column settled_low: lower bound of its 95 % interval
-- column settled_high: upper bound of its 95 % interval
-- column is_shown: within the last twelve complete months and the partial one
-- column is_trend: within the last 25 months
with
pairs_shown as (from report.pairs_shown),
months as (from report.months),
pair_windows as (from report.pair_windows),
reports as (from waterfall.reports),

conversion as (
    select reports.report, cohorts.*
    from marts.month_cohorts as cohorts
    inner join reports on reports.dimension = cohorts.dimension and reports.dimension_value = cohorts.dimension_value
),

settled as (
    select settled.* from report.settled as settled where settled.grain = 'month'
)

select
    pairs_shown.report,
    pairs_shown.pair_no,
    pairs_shown.shown_no,
    pairs_shown.from_stage,
    pairs_shown.to_stage,
    months.month_start,
    months.label,
    pair_windows.window_days,
    coalesce(conversion.entered, 0) as entered,
    coalesce(conversion.converted, 0) as converted,
    coalesce(conversion.passed_over, 0) as passed_over,
    coalesce(conversion.lost, 0) as lost,
    coalesce(conversion.still_open, 0) as still_open,
    conversion.is_mature,
    months.is_partial,
    months.is_recent as is_shown,
    months.is_trend,
    conversion.rate,
    conversion.rate_low,
    conversion.rate_high,
    conversion.still_open / cast(conversion.entered as double) as still_open_share,
    case when not conversion.is_mature then settled.estimate end as settled_estimate,
    case when not conversion.is_mature then settled.low end as settled_low,
    case when not conversion.is_mature then settled.high end as settled_high
from pairs_shown
inner join months on months.report = pairs_shown.report
inner join pair_windows on pair_windows.report = pairs_shown.report and pair_windows.pair_no = pairs_shown.pair_no
left join conversion
    on conversion.report = pairs_shown.report
    and conversion.pair_no = pairs_shown.pair_no
    and conversion.cohort_start = months.month_start
    and conversion.window_days is not distinct from pair_windows.window_days
left join settled
    on pair_windows.window_days is null
    and settled.report = pairs_shown.report
    and settled.headline_no = pairs_shown.headline_no
    and settled.month_start = months.month_start
order by pairs_shown.report, pairs_shown.shown_no, months.month_start, pair_windows.window_days nulls first
