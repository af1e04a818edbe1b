-- One row per report, headline pair and window: the last final month against the final month before it, and whether the change is significant.
-- The interval of the difference is Newcombe's (macro difference_low).
-- unit: headline units
-- basis: the last complete month whose cohort is final against the final month before it; 95% interval of the difference: Newcombe’s of the two Wilson intervals
-- denominator: headline units that arrived at the first stage of the pair in the month
-- key: report, headline_no, window_days
-- not null: from_stage, to_stage, unit
-- check: change_low <= change and change <= change_high
-- check: latest_converted <= latest_entered and previous_converted <= previous_entered
-- check: previous_month < latest_month
-- column headline_no: place among the headline pairs
-- column from_label: A's label
-- column to_label: B's label
-- column unit: what is counted: cycle, lead or account
-- column is_headline_window: the window of the pair's headline rate
-- column latest_month: last complete month whose cohort is final; null while there is none
-- column latest_entered: units that arrived at A in it
-- column latest_converted: of these, those that arrived at B
-- column latest_rate: latest_converted / latest_entered
-- column previous_month: the final month before it; null while there is none
-- column previous_entered: units that arrived at A in it
-- column previous_converted: of these, those that arrived at B
-- column previous_rate: previous_converted / previous_entered
-- column change: latest_rate − previous_rate
-- column change_low: lower bound of its 95 % interval
-- column change_high: upper bound of its 95 % interval
-- column is_noise: not significant at 95 %: the interval contains 0
-- column is_enough: both months have at least 20 units; below that the change is not judged
with
pair_windows as (from report.pair_windows),
reports as (from waterfall.reports),

pairs_shown as (
    select pairs_shown.* from report.pairs_shown as pairs_shown where pairs_shown.is_headline
),

months as (
    select months.* from report.months as months where not months.is_partial
),

conversion as (
    select reports.report, cohorts.*
    from marts.month_cohorts as cohorts
    inner join reports on reports.dimension = cohorts.dimension and reports.dimension_value = cohorts.dimension_value
    inner join months on months.report = reports.report and months.month_start = cohorts.cohort_start
    where cohorts.is_mature
),

mature as (
    select
        conversion.*,
        row_number() over (
            partition by conversion.report, conversion.pair_no, conversion.window_days
            order by conversion.cohort_start desc
        ) as newest_no
    from conversion
),

compared as (
    select
        pairs_shown.*,
        pair_windows.window_days,
        pair_windows.is_headline_window,
        latest.cohort_start as latest_month,
        latest.entered as latest_entered,
        latest.converted as latest_converted,
        latest.rate as latest_rate,
        latest.rate_low as latest_low,
        latest.rate_high as latest_high,
        previous.cohort_start as previous_month,
        previous.entered as previous_entered,
        previous.converted as previous_converted,
        previous.rate as previous_rate,
        previous.rate_low as previous_low,
        previous.rate_high as previous_high,
        latest.rate - previous.rate as change
    from pairs_shown
    inner join pair_windows on pair_windows.report = pairs_shown.report and pair_windows.pair_no = pairs_shown.pair_no
    left join mature as latest
        on latest.report = pairs_shown.report
        and latest.pair_no = pairs_shown.pair_no
        and latest.window_days is not distinct from pair_windows.window_days
        and latest.newest_no = 1
    left join mature as previous
        on previous.report = pairs_shown.report
        and previous.pair_no = pairs_shown.pair_no
        and previous.window_days is not distinct from pair_windows.window_days
        and previous.newest_no = 2
),

bounded as (
    select
        compared.*,
        difference_low(compared.latest_rate, compared.latest_low, compared.previous_rate, compared.previous_high) as change_low,
        difference_high(compared.latest_rate, compared.latest_high, compared.previous_rate, compared.previous_low) as change_high
    from compared
)

select
    bounded.report,
    bounded.headline_no,
    bounded.from_stage,
    bounded.to_stage,
    bounded.from_label,
    bounded.to_label,
    bounded.unit,
    bounded.window_days,
    bounded.is_headline_window,
    bounded.latest_month,
    bounded.latest_entered,
    bounded.latest_converted,
    bounded.latest_rate,
    bounded.previous_month,
    bounded.previous_entered,
    bounded.previous_converted,
    bounded.previous_rate,
    bounded.change,
    bounded.change_low,
    bounded.change_high,
    bounded.change_low <= 0 and bounded.change_high >= 0 as is_noise,
    coalesce(bounded.latest_entered >= 20 and bounded.previous_entered >= 20, false) as is_enough
from bounded
order by bounded.report, bounded.headline_no, bounded.window_days nulls first
