-- One row per report, headline pair, dimension and value: its rate in the months of the headline rate and in as many months before.
-- A dimension has the eight values with most units in these months; the others are one row, added up as counts. Both rates are in the headline
-- window, so the base is final too; it is null if the history is not complete that far back (report.headline_change). direction is up or down if
-- the 95 % interval of the change excludes 0, few if one side has under 20 units. Only in the report of all leads.
-- unit: headline units
-- basis: cohorts by month of arrival at the first stage of the pair, within its window, in the months of the headline rate; the value at the arrival
-- denominator: the number after “of”
-- key: report, headline_no, dimension, dimension_value
-- unique: report, headline_no, dimension, value_no
-- not null: entered, converted
-- accepted direction: up, down, same, few
-- check: converted <= entered and base_converted <= base_entered
-- check: rate_low <= rate and rate <= rate_high
-- column report: always all, the report of all leads
-- column headline_no: place among the headline pairs
-- column dimension_no: place of the dimension in the configuration
-- column value_no: place by units, most first; 9 = all others
-- column dimension_value: its value; null = all values beyond the eight largest together
-- column values_inside: how many values the row adds up
-- column window_days: days within which a conversion counts
-- column first_month: first month of the headline rate
-- column last_month: last month of the headline rate
-- column entered: units that arrived at A in these months
-- column converted: of these, those that arrived at B within the window
-- column rate: converted / entered
-- column rate_low: lower bound of its 95 % interval
-- column rate_high: upper bound of its 95 % interval
-- column base_entered: units that arrived at A in as many months before; null if the history is not complete
-- column base_converted: of these, those that arrived at B within the window
-- column base_rate: base_converted / base_entered
-- column change: rate − base_rate
-- column direction: up, down, same or few; null without a base
with
dimensions as (
    select dimensions.* from waterfall.dimensions as dimensions where dimensions.position > 0
),

changes as (
    select changes.*
    from report.headline_change as changes
    where changes.report = 'all' and changes.base = 'before' and changes.rate is not null
),

cohorts as (from marts.month_cohorts),

summed as (
    select
        changes.report,
        changes.headline_no,
        changes.pair_no,
        changes.from_stage,
        changes.to_stage,
        changes.window_days,
        changes.first_month,
        changes.last_month,
        changes.base_first_month,
        dimensions.position as dimension_no,
        cohorts.dimension,
        cohorts.dimension_value,
        coalesce(sum(cohorts.entered) filter (where cohorts.cohort_start >= changes.first_month), 0) as entered,
        coalesce(sum(cohorts.converted) filter (where cohorts.cohort_start >= changes.first_month), 0) as converted,
        coalesce(sum(cohorts.entered) filter (where cohorts.cohort_start < changes.first_month), 0) as base_entered,
        coalesce(sum(cohorts.converted) filter (where cohorts.cohort_start < changes.first_month), 0) as base_converted
    from changes
    inner join cohorts
        on cohorts.pair_no = changes.pair_no
        and cohorts.window_days = changes.window_days
        and cohorts.cohort_start between coalesce(changes.base_first_month, changes.first_month) and changes.last_month
    inner join dimensions on dimensions.dimension = cohorts.dimension
    group by all
),

numbered as (
    select
        summed.*,
        least(9, row_number() over (
            partition by summed.headline_no, summed.dimension
            order by summed.entered desc, summed.base_entered desc, summed.dimension_value
        )) as value_no
    from summed
),

grouped as (
    select
        numbered.* exclude (dimension_value, entered, converted, base_entered, base_converted),
        min(numbered.dimension_value) filter (where numbered.value_no < 9) as dimension_value,
        count(*) as values_inside,
        cast(sum(numbered.entered) as bigint) as entered,
        cast(sum(numbered.converted) as bigint) as converted,
        cast(sum(numbered.base_entered) filter (where numbered.base_first_month is not null) as bigint) as base_entered,
        cast(sum(numbered.base_converted) filter (where numbered.base_first_month is not null) as bigint) as base_converted
    from numbered
    group by all
),

rated as (
    select
        grouped.*,
        grouped.converted / nullif(cast(grouped.entered as double), 0) as rate,
        wilson_low(grouped.converted, grouped.entered) as rate_low,
        wilson_high(grouped.converted, grouped.entered) as rate_high,
        grouped.base_converted / nullif(cast(grouped.base_entered as double), 0) as base_rate,
        wilson_low(grouped.base_converted, grouped.base_entered) as base_low,
        wilson_high(grouped.base_converted, grouped.base_entered) as base_high
    from grouped
)

select
    rated.report,
    rated.headline_no,
    rated.pair_no,
    rated.from_stage,
    rated.to_stage,
    rated.dimension_no,
    rated.dimension,
    rated.value_no,
    rated.dimension_value,
    rated.values_inside,
    rated.window_days,
    rated.first_month,
    rated.last_month,
    rated.entered,
    rated.converted,
    rated.rate,
    rated.rate_low,
    rated.rate_high,
    rated.base_entered,
    rated.base_converted,
    rated.base_rate,
    rated.rate - rated.base_rate as change,
    case
        when rated.base_entered is null then null
        when rated.entered < 20 or rated.base_entered < 20 then 'few'
        when difference_low(rated.rate, rated.rate_low, rated.base_rate, rated.base_high) > 0 then 'up'
        when difference_high(rated.rate, rated.rate_high, rated.base_rate, rated.base_low) < 0 then 'down'
        else 'same'
    end as direction
from rated
order by rated.report, rated.headline_no, rated.dimension_no, rated.value_no
