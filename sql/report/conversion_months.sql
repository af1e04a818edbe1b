-- One row per pair of the report, month and window: the month's cohort, also where nobody entered. Unit: the run's.
-- key: pair_no, month_start, window_days
-- not null: entered, converted, passed_over, lost, still_open, is_partial
-- check: entered = converted + passed_over + lost + still_open
-- column month_start: first day of the month in which the units arrived at A
-- column shown_no: place of the pair in the report
-- column still_open_share: still_open / entered
-- column label: the month's name
-- column is_mature: no unit can change the numbers any more; null without a unit
-- column is_partial: as-of lies inside the month
-- column settled_estimate: immature cohorts of a headline pair, window: ever: share expected in the end (report.settled)
-- column settled_low: lower bound of its 95 % interval
-- column settled_high: upper bound of its 95 % interval
-- column is_shown: within the last twelve complete months and the partial one
-- column is_trend: within the last 25 months
with
run as (
    from waterfall.run
),

pairs_shown as (
    from report.pairs_shown
),

months as (
    from report.months
),

windows as (
    from waterfall.windows
),

shown_cut as (
    from waterfall.shown_cut
),

conversion as (
    select conversion.*
    from marts.conversion as conversion
    inner join run on run.unit = conversion.unit
    inner join shown_cut
        on shown_cut.dimension = conversion.dimension and shown_cut.dimension_value = conversion.dimension_value
    where conversion.grain = 'month'
),

settled as (
    select settled.* from report.settled as settled where settled.grain = 'month'
)

select
    pairs_shown.pair_no,
    pairs_shown.shown_no,
    pairs_shown.from_stage,
    pairs_shown.to_stage,
    months.month_start,
    months.label,
    windows.window_days,
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
    settled.estimate as settled_estimate,
    settled.low as settled_low,
    settled.high as settled_high
from pairs_shown
cross join months
cross join windows
left join conversion
    on conversion.from_stage = pairs_shown.from_stage
    and conversion.to_stage = pairs_shown.to_stage
    and conversion.cohort_start = months.month_start
    and conversion.window_days is not distinct from windows.window_days
left join settled
    on windows.window_days is null
    and settled.headline_no = pairs_shown.headline_no
    and settled.month_start = months.month_start
order by pairs_shown.shown_no, months.month_start, windows.window_days nulls first
