-- One row per report, pair of the report, window, set of cohorts and slice: the counts of these cohorts together.
-- The report of one value of a dimension has only that slice.
-- A set of cohorts is `all` (every unit that ever arrived at A), `mature` (the complete months whose total is final, the same
-- months for every slice), `recent` (the last of these, which the headline rate adds up), `latest` (the last one) or `previous`
-- (the one before it). A dimension has the eight values with most units; the others are one row, added up as counts. Slices exist for
-- the window ever and for the headline window.
-- unit: headline units
-- basis: counts: all cohorts, window: ever; rates: the months whose total is final
-- denominator: entered; rates: n
-- key: report, pair_no, window_days, cohorts, dimension, dimension_value
-- not null: entered, converted, passed_over, lost, still_open
-- accepted cohorts: all, mature, recent, latest, previous
-- check: entered = converted + passed_over + lost + still_open
-- check: rate_low <= rate and rate <= rate_high
-- column cohorts: which monthly cohorts are added up
-- column shown_no: place of the pair in the report
-- column headline_no: place among the headline pairs; null for the others
-- column dimension_value: its value; null = all values beyond the eight largest together
-- column values_inside: how many values the row adds up
-- column first_month: first monthly cohort in it
-- column last_month: last monthly cohort in it
-- column months: how many monthly cohorts are in it
with
run as (from waterfall.run),
pair_windows as (from report.pair_windows),
reports as (from waterfall.reports),
pairs_shown as (from report.pairs_shown),
months as (from report.months),

conversion as (
    select
        reports.report,
        pairs_shown.is_headline,
        months.is_partial,
        cohorts.dimension = reports.dimension as is_total,
        cohorts.*
    from marts.month_cohorts as cohorts
    inner join reports
        on reports.dimension = 'all'
        or (reports.dimension = cohorts.dimension and reports.dimension_value = cohorts.dimension_value)
    inner join pairs_shown on pairs_shown.report = reports.report and pairs_shown.pair_no = cohorts.pair_no
    inner join months on months.report = reports.report and months.month_start = cohorts.cohort_start
),

mature_months as (
    select
        conversion.report,
        conversion.pair_no,
        conversion.window_days,
        conversion.cohort_start,
        row_number() over (
            partition by conversion.report, conversion.pair_no, conversion.window_days
            order by conversion.cohort_start desc
        ) as newest_no
    from conversion
    where conversion.is_total and conversion.is_mature and not conversion.is_partial
),

value_sizes as (
    select
        conversion.report,
        conversion.pair_no,
        conversion.dimension,
        conversion.dimension_value,
        row_number() over (
            partition by conversion.report, conversion.pair_no, conversion.dimension
            order by sum(conversion.entered) desc, conversion.dimension_value
        ) as size_no
    from conversion
    where conversion.window_days is null and (conversion.is_total or conversion.is_headline)
    group by conversion.report, conversion.pair_no, conversion.dimension, conversion.dimension_value
),

-- The total in every window; the slices of headline pairs ever and within the headline window.
kept as (
    select
        conversion.*,
        case when value_sizes.size_no <= 8 then conversion.dimension_value end as shown_value,
        coalesce(mature_months.newest_no, 0) as newest_no
    from conversion
    inner join pair_windows
        on pair_windows.report = conversion.report
        and pair_windows.pair_no = conversion.pair_no
        and pair_windows.window_days is not distinct from conversion.window_days
    inner join value_sizes
        on value_sizes.report = conversion.report
        and value_sizes.pair_no = conversion.pair_no
        and value_sizes.dimension = conversion.dimension
        and value_sizes.dimension_value = conversion.dimension_value
    left join mature_months
        on mature_months.report = conversion.report
        and mature_months.pair_no = conversion.pair_no
        and mature_months.window_days is not distinct from conversion.window_days
        and mature_months.cohort_start = conversion.cohort_start
    where conversion.is_total or conversion.window_days is null or pair_windows.is_headline_window
),

sorted as (
    select 'all' as cohorts, kept.* from kept
    union all
    select 'mature', kept.* from kept where kept.newest_no >= 1
    union all
    select 'recent', kept.*
    from kept
    inner join run on kept.newest_no between 1 and run.headline_months
    where kept.is_total
    union all
    select 'latest', kept.* from kept where kept.newest_no = 1 and kept.is_total
    union all
    select 'previous', kept.* from kept where kept.newest_no = 2 and kept.is_total
),

summed as (
    select
        sorted.report,
        sorted.pair_no,
        sorted.window_days,
        sorted.cohorts,
        sorted.dimension,
        sorted.shown_value as dimension_value,
        count(distinct sorted.dimension_value) as values_inside,
        min(sorted.cohort_start) as first_month,
        max(sorted.cohort_start) as last_month,
        count(distinct sorted.cohort_start) as months,
        sum(sorted.entered) as entered,
        sum(sorted.converted) as converted,
        sum(sorted.passed_over) as passed_over,
        sum(sorted.lost) as lost,
        sum(sorted.still_open) as still_open
    from sorted
    group by all
),

-- If no unit ever entered A, or no month is final, the row has zeros.
empty_sets as (
    select
        reports.report, pairs_shown.pair_no, pair_windows.window_days, sets.cohorts, reports.dimension, reports.dimension_value,
        1 as values_inside, 0 as months, 0 as entered, 0 as converted, 0 as passed_over, 0 as lost, 0 as still_open
    from reports
    inner join pairs_shown on pairs_shown.report = reports.report
    inner join pair_windows on pair_windows.report = reports.report and pair_windows.pair_no = pairs_shown.pair_no
    cross join (select unnest(['all', 'mature', 'recent']) as cohorts) as sets
    where not exists (
        select summed.pair_no
        from summed
        where
            summed.report = reports.report
            and summed.pair_no = pairs_shown.pair_no
            and summed.window_days is not distinct from pair_windows.window_days
            and summed.cohorts = sets.cohorts
            and summed.dimension = reports.dimension
    )
),

counted as (
    from summed
    union all by name
    from empty_sets
)

select
    counted.report,
    counted.pair_no,
    pairs_shown.shown_no,
    pairs_shown.headline_no,
    pairs_shown.from_stage,
    pairs_shown.to_stage,
    counted.window_days,
    counted.cohorts,
    counted.dimension,
    counted.dimension_value,
    cast(counted.values_inside as bigint) as values_inside,
    counted.first_month,
    counted.last_month,
    cast(counted.months as bigint) as months,
    cast(counted.entered as bigint) as entered,
    cast(counted.converted as bigint) as converted,
    cast(counted.passed_over as bigint) as passed_over,
    cast(counted.lost as bigint) as lost,
    cast(counted.still_open as bigint) as still_open,
    counted.converted / nullif(cast(counted.entered as double), 0) as rate,
    wilson_low(counted.converted, counted.entered) as rate_low,
    wilson_high(counted.converted, counted.entered) as rate_high
from counted
inner join pairs_shown on pairs_shown.report = counted.report and pairs_shown.pair_no = counted.pair_no
order by
    counted.report,
    pairs_shown.shown_no,
    counted.window_days nulls first,
    counted.cohorts,
    counted.dimension,
    counted.dimension_value is null,
    counted.entered desc,
    counted.dimension_value
