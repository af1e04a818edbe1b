-- One row per report, headline pair and base: the months of the headline rate (K9) against as many months earlier, and whether they differ.
-- The base is `before` (the months just before) or `year` (the same months a year ago), in the headline window. A month of the base was final
-- earlier, so both rates are final. direction is up or down if Newcombe's 95 % interval of the difference excludes 0, same if it does not, and
-- few if one side has under 20 units. Without a base (no final month, or the history is not complete that far back) it is null.
-- unit: headline units
-- basis: cohorts by month of arrival at the first stage of the pair, within its window; up and down only if the 95% interval of the difference excludes 0
-- denominator: headline units that arrived at the first stage of the pair in the months named
-- key: report, headline_no, base
-- not null: entered, converted
-- accepted base: before, year
-- accepted direction: up, down, same, few
-- check: converted <= entered and base_converted <= base_entered
-- check: change_low <= change and change <= change_high
-- check: direction is null or base_entered is not null
-- column headline_no: place among the headline pairs
-- column from_label: A's label
-- column to_label: B's label
-- column unit: what is counted: cycle, lead or account
-- column window_days: days within which a conversion counts
-- column target: agreed share, 1 = 100 %
-- column first_month: first month of the headline rate; null while no month is final
-- column last_month: last month of the headline rate
-- column entered: units that arrived at A in these months
-- column converted: of these, those that arrived at B within the window
-- column rate: converted / entered: the headline rate
-- column base: which earlier months it is compared with: before or year
-- column base_first_month: first month of the base; null if there is none
-- column base_last_month: last month of the base
-- column base_entered: units that arrived at A in the base
-- column base_converted: of these, those that arrived at B within the window
-- column base_rate: base_converted / base_entered
-- column change: rate − base_rate
-- column change_low: lower bound of its 95 % interval
-- column change_high: upper bound of its 95 % interval
-- column direction: up, down, same or few; null without a base
with
headline as (
    select headline.* from report.headline as headline where headline.is_headline_window
),

reports as (from waterfall.reports),

complete_months as (
    select coverage.period_start as month_start
    from quality.period_coverage as coverage
    where coverage.grain = 'month' and not coverage.is_before_coverage
),

cohorts as (
    select reports.report, cohorts.*
    from marts.month_cohorts as cohorts
    inner join reports on reports.dimension = cohorts.dimension and reports.dimension_value = cohorts.dimension_value
),

distances as (
    select
        headline.*,
        bases.base,
        case bases.base
            when 'year' then 12
            else date_diff('month', headline.recent_first_month, headline.recent_last_month) + 1
        end as months_back
    from headline
    cross join (select unnest(['before', 'year']) as base) as bases
),

bases as (
    select
        distances.*,
        cast(distances.recent_first_month - to_months(distances.months_back) as date) as first_month,
        cast(distances.recent_last_month - to_months(distances.months_back) as date) as last_month
    from distances
),

-- A base counts only if the history is complete from its first month on.
summed as (
    select
        bases.report,
        bases.headline_no,
        bases.base,
        bases.first_month,
        bases.last_month,
        cast(coalesce(sum(cohorts.entered), 0) as bigint) as entered,
        cast(coalesce(sum(cohorts.converted), 0) as bigint) as converted
    from bases
    inner join complete_months on complete_months.month_start = bases.first_month
    left join cohorts
        on cohorts.report = bases.report
        and cohorts.pair_no = bases.pair_no
        and cohorts.window_days = bases.window_days
        and cohorts.cohort_start between bases.first_month and bases.last_month
    group by all
),

compared as (
    select
        bases.report,
        bases.headline_no,
        bases.pair_no,
        bases.from_stage,
        bases.to_stage,
        bases.from_label,
        bases.to_label,
        bases.unit,
        bases.window_days,
        bases.target,
        bases.recent_first_month as first_month,
        bases.recent_last_month as last_month,
        bases.recent_entered as entered,
        bases.recent_converted as converted,
        bases.recent_rate as rate,
        bases.recent_low as rate_low,
        bases.recent_high as rate_high,
        bases.base,
        summed.first_month as base_first_month,
        summed.last_month as base_last_month,
        summed.entered as base_entered,
        summed.converted as base_converted,
        summed.converted / nullif(cast(summed.entered as double), 0) as base_rate,
        wilson_low(summed.converted, summed.entered) as base_low,
        wilson_high(summed.converted, summed.entered) as base_high
    from bases
    left join summed
        on summed.report = bases.report
        and summed.headline_no = bases.headline_no
        and summed.base = bases.base
),

bounded as (
    select
        compared.* exclude (rate_low, rate_high, base_low, base_high),
        compared.rate - compared.base_rate as change,
        difference_low(compared.rate, compared.rate_low, compared.base_rate, compared.base_high) as change_low,
        difference_high(compared.rate, compared.rate_high, compared.base_rate, compared.base_low) as change_high
    from compared
)

select
    bounded.*,
    case
        when bounded.base_entered is null then null
        when bounded.entered < 20 or bounded.base_entered < 20 then 'few'
        when bounded.change_low > 0 then 'up'
        when bounded.change_high < 0 then 'down'
        else 'same'
    end as direction
from bounded
order by bounded.report, bounded.headline_no, bounded.base
