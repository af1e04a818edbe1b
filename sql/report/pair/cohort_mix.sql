-- One row per report, headline pair, dimension, value and month: how many units that arrived at A had the value, and their share (docs/RULES.md 9).
-- Months are the last twelve complete ones and the partial one. A dimension has the eight values with most units in these months; the
-- others are one row, added up. In each month the shares add up to 1.
-- unit: headline units
-- basis: cohorts by month of arrival at the first stage of the pair
-- denominator: headline units that arrived at the first stage of the pair in the month
-- key: report, headline_no, dimension, value_no, month_start
-- not null: is_partial, entered, cohort
-- check: share between 0 and 1
-- column headline_no: place of the pair among the headline pairs
-- column position: place of the dimension in the configuration
-- column value_no: 1 = the value with most units in these months; 9 = all values beyond the eight largest
-- column dimension_value: its value at the arrival at A; null = all values beyond the eight largest together
-- column values_inside: how many values the row adds up
-- column month_start: first day of the month in which the units arrived at A
-- column is_partial: as-of is inside the month
-- column entered: units that arrived at A in the month with the value
-- column cohort: units that arrived at A in the month
-- column share: entered / cohort; null without a unit
with
dimensions as (
    select dimensions.* from waterfall.dimensions as dimensions where dimensions.position > 0
),

unit_pairs as (
    select unit_pairs.* from journey.unit_pairs as unit_pairs where unit_pairs.is_headline
),

shown_sets as (from journey.shown_sets),
slice_members as (from journey.slice_members),
slices as (from journey.slices),

pairs_shown as (
    select pairs_shown.* from report.pairs_shown as pairs_shown where pairs_shown.is_headline
),

months as (
    select months.* from report.months as months where months.is_recent
),

opened as (
    select shown_sets.report, pairs_shown.headline_no, months.month_start, unit_pairs.slice_set
    from unit_pairs
    inner join shown_sets on shown_sets.slice_set = unit_pairs.slice_set
    inner join pairs_shown
        on pairs_shown.report = shown_sets.report
        and pairs_shown.pair_no = unit_pairs.pair_no
        and pairs_shown.unit = unit_pairs.unit
    inner join months
        on months.report = shown_sets.report
        and months.month_start = cast(date_trunc('month', unit_pairs.from_date) as date)
),

counted as (
    select
        opened.report,
        opened.headline_no,
        opened.month_start,
        slices.dimension,
        slices.dimension_value,
        count(*) as entered
    from opened
    inner join slice_members on slice_members.slice_set = opened.slice_set
    inner join slices on slices.slice_no = slice_members.slice_no
    group by all
),

cohorts as (
    select opened.report, opened.headline_no, opened.month_start, count(*) as cohort
    from opened
    group by all
),

sizes as (
    select
        counted.report,
        counted.headline_no,
        dimensions.position,
        counted.dimension,
        counted.dimension_value,
        row_number() over (
            partition by counted.report, counted.headline_no, counted.dimension
            order by sum(counted.entered) desc, counted.dimension_value
        ) as size_no
    from counted
    inner join dimensions on dimensions.dimension = counted.dimension
    group by counted.report, counted.headline_no, dimensions.position, counted.dimension, counted.dimension_value
),

shown_values as (
    select
        sizes.report,
        sizes.headline_no,
        sizes.position,
        sizes.dimension,
        least(sizes.size_no, 9) as value_no,
        max(sizes.dimension_value) filter (where sizes.size_no <= 8) as dimension_value,
        count(*) as values_inside
    from sizes
    group by sizes.report, sizes.headline_no, sizes.position, sizes.dimension, least(sizes.size_no, 9)
),

summed as (
    select
        counted.report,
        counted.headline_no,
        counted.month_start,
        counted.dimension,
        least(sizes.size_no, 9) as value_no,
        cast(sum(counted.entered) as bigint) as entered
    from counted
    inner join sizes
        on sizes.report = counted.report
        and sizes.headline_no = counted.headline_no
        and sizes.dimension = counted.dimension
        and sizes.dimension_value = counted.dimension_value
    group by counted.report, counted.headline_no, counted.month_start, counted.dimension, least(sizes.size_no, 9)
)

select
    shown_values.report,
    shown_values.headline_no,
    shown_values.position,
    shown_values.dimension,
    shown_values.value_no,
    shown_values.dimension_value,
    shown_values.values_inside,
    months.month_start,
    months.is_partial,
    coalesce(summed.entered, 0) as entered,
    coalesce(cohorts.cohort, 0) as cohort,
    case when cohorts.cohort > 0 then coalesce(summed.entered, 0) / cast(cohorts.cohort as double) end as share
from shown_values
inner join months on months.report = shown_values.report
left join summed
    on summed.report = shown_values.report
    and summed.headline_no = shown_values.headline_no
    and summed.dimension = shown_values.dimension
    and summed.value_no = shown_values.value_no
    and summed.month_start = months.month_start
left join cohorts
    on cohorts.report = shown_values.report
    and cohorts.headline_no = shown_values.headline_no
    and cohorts.month_start = months.month_start
order by shown_values.report, shown_values.headline_no, shown_values.position, shown_values.value_no, months.month_start
