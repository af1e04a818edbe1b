-- One row per report, headline pair, dimension, value and period: its rate against the rate of all other values in the same months.
-- A period is `recent` (the months of the headline rate together) or one of the last twelve final months. Both sides have at least 20 units.
-- Many values are compared, so a difference counts only if it survives Benjamini and Hochberg (1995, JRSS B 57: 289-300): of all rows of the
-- report, at most 5 % of those marked are expected to be chance. p_value: macro difference_p.
-- Only in the report of all leads.
-- key: report, headline_no, dimension, dimension_value, period, first_month
-- not null: rate, rest_rate, difference, p_value, is_significant
-- accepted period: recent, month
-- check: entered >= 20 and rest_entered >= 20
-- check: difference_low <= difference and difference <= difference_high
-- check: p_value between 0 and 1
-- column report: always all, the report of all leads
-- column headline_no: place among the headline pairs
-- column window_days: days within which a conversion counts: the headline window
-- column dimension_no: place of the dimension in the configuration
-- column period: recent = the months of the headline rate; month = one final month
-- column first_month: first month of the period
-- column last_month: last month of the period
-- column entered: units of the value that arrived at A in the period
-- column converted: of these, those that arrived at B within the window
-- column rate: converted / entered
-- column rest_entered: units of all other values
-- column rest_converted: of these, those that arrived at B within the window
-- column rest_rate: rest_converted / rest_entered
-- column difference: rate − rest_rate
-- column difference_low: lower bound of its 95 % interval
-- column difference_high: upper bound of its 95 % interval
-- column p_value: probability of such a difference by chance
-- column is_significant: the difference survives the correction, and its interval excludes 0
-- column missed: conversions that the value would have had in addition at the rate of the others; negative if it has more
with
dimensions as (
    select dimensions.* from waterfall.dimensions as dimensions where dimensions.position > 0
),

headline as (
    select headline.*
    from report.headline as headline
    where headline.report = 'all' and headline.is_headline_window and headline.recent_last_month is not null
),

cohorts as (from marts.month_cohorts),
months as (from report.months),

periods as (
    select
        headline.headline_no,
        'recent' as period,
        headline.recent_first_month as first_month,
        headline.recent_last_month as last_month
    from headline
    union all
    select headline.headline_no, 'month', months.month_start, months.month_start
    from headline
    inner join months
        on months.report = headline.report
        and months.month_start <= headline.recent_last_month
        and months.month_start > headline.recent_last_month - interval 12 month
),

summed as (
    select
        headline.report,
        headline.headline_no,
        headline.pair_no,
        headline.from_stage,
        headline.to_stage,
        headline.window_days,
        dimensions.position as dimension_no,
        cohorts.dimension,
        cohorts.dimension_value,
        periods.period,
        periods.first_month,
        periods.last_month,
        cast(sum(cohorts.entered) as bigint) as entered,
        cast(sum(cohorts.converted) as bigint) as converted
    from headline
    inner join periods on periods.headline_no = headline.headline_no
    inner join cohorts
        on cohorts.pair_no = headline.pair_no
        and cohorts.window_days = headline.window_days
        and cohorts.cohort_start between periods.first_month and periods.last_month
    inner join dimensions on dimensions.dimension = cohorts.dimension
    group by all
),

beside_rest as (
    select
        summed.*,
        cast(sum(summed.entered) over same_months as bigint) - summed.entered as rest_entered,
        cast(sum(summed.converted) over same_months as bigint) - summed.converted as rest_converted
    from summed
    window same_months as (partition by summed.headline_no, summed.dimension, summed.period, summed.first_month)
),

compared as (
    select
        beside_rest.*,
        beside_rest.converted / cast(beside_rest.entered as double) as rate,
        beside_rest.rest_converted / cast(beside_rest.rest_entered as double) as rest_rate,
        difference_p(
            beside_rest.converted, beside_rest.entered, beside_rest.rest_converted, beside_rest.rest_entered
        ) as p_value
    from beside_rest
    where beside_rest.entered >= 20 and beside_rest.rest_entered >= 20
),

tested as (
    select compared.*, compared.rate - compared.rest_rate as difference from compared
),

ranked as (
    select
        tested.*,
        row_number() over (order by tested.p_value, tested.headline_no, tested.dimension_no, tested.dimension_value) as p_no,
        count(*) over () as tests
    from tested
),

bounded as (
    select
        ranked.* exclude (p_no, tests),
        difference_low(
            ranked.rate,
            wilson_low(ranked.converted, ranked.entered),
            ranked.rest_rate,
            wilson_high(ranked.rest_converted, ranked.rest_entered)
        ) as difference_low,
        difference_high(
            ranked.rate,
            wilson_high(ranked.converted, ranked.entered),
            ranked.rest_rate,
            wilson_low(ranked.rest_converted, ranked.rest_entered)
        ) as difference_high,
        max(ranked.p_value) filter (where ranked.p_value <= 0.05 * ranked.p_no / ranked.tests) over () as largest_p
    from ranked
)

select
    bounded.* exclude (largest_p),
    coalesce(bounded.p_value <= bounded.largest_p, false)
    and (bounded.difference_low > 0 or bounded.difference_high < 0) as is_significant,
    cast(round(bounded.entered * bounded.rest_rate - bounded.converted) as bigint) as missed
from bounded
order by
    bounded.report,
    bounded.headline_no,
    bounded.dimension_no,
    bounded.dimension_value,
    bounded.period desc,
    bounded.first_month
