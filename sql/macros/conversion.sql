-- What became of the units of each cohort between two stages (K1 to K5).
-- One dimension is read from marts.conversion; the combinations of several are counted from the units, which takes longer.
-- dimension_values is a MAP: dimension_values['segment'] is one value of a combination.
-- argument from_stage: stage or group that opens the measure
-- argument to_stage: stage or group that converts, above it on the path
-- argument by = 'all': dimension to slice by, or a list of dimensions
-- argument grain = 'month': length of a cohort's period: day, week, month, quarter, year or all
-- argument within_days = null: one of the configured windows; null = ever
-- argument unit = 'cycle': cycle, lead or account
-- example: from conversion('mql', 'sal', by := 'lead_source', grain := 'all', within_days := 30)
with
known as (
    select list(dimensions.dimension order by dimensions.position) as dimensions from waterfall.dimensions as dimensions
),

asked as materialized (
    select
        stage_key(from_stage) as from_key,
        stage_key(to_stage) as to_key,
        list_transform(dimension_list("by"), lambda word: one_of(word, known.dimensions, 'dimension')) as dimensions,
        one_grain(grain) as grain,
        one_unit(unit) as unit,
        within_days as window_days
    from known
),

allowed as materialized (
    select
        asked.*,
        case
            when asked.window_days is null
                or asked.window_days in (select windows.window_days from waterfall.windows as windows where windows.window_days is not null)
                then true
            else error('no such window; known (days): ' || (select coalesce(string_agg(windows.window_days, ', ' order by windows.window_days), 'ever') from waterfall.windows as windows))
        end as has_window,
        case
            when exists (
                select 1 from waterfall.pairs as pairs
                where pairs.from_stage = asked.from_key and pairs.to_stage = asked.to_key
            ) then true
            else error('no such pair: the second stage must stand above the first on the path')
        end as has_pair
    from asked
),

-- The length of the list and the grain are constants, so that DuckDB reads only what this call needs (`stored:` of the mart).
from_mart as (
    select marts.*, map([marts.dimension], [marts.dimension_value]) as dimension_values
    from allowed
    inner join marts.conversion as marts
        on marts.unit = allowed.unit
        and marts.grain = allowed.grain
        and marts.dimension = allowed.dimensions[1]
        and marts.from_stage = allowed.from_key
        and marts.to_stage = allowed.to_key
        and marts.window_days is not distinct from allowed.window_days
    where allowed.has_window and allowed.has_pair and len(dimension_list("by")) = 1 and marts.grain = grain
),

combinations as (
    select
        slice_values.slice_set,
        map_from_entries(
            list(
                (slice_values.dimension, slice_values.dimension_value)
                order by list_position(asked.dimensions, slice_values.dimension)
            )
        ) as dimension_values
    from asked
    inner join journey.slice_values as slice_values on list_contains(asked.dimensions, slice_values.dimension)
    where len(dimension_list("by")) > 1
    group by slice_values.slice_set
),

units as (
    select
        pairs.pair_no,
        windows.window_days,
        day_periods.period_start as cohort_start,
        combinations.dimension_values,
        conversion_outcome(
            unit_pairs.convert_window,
            unit_pairs.pass_window,
            unit_pairs.is_closed,
            unit_pairs.ended_windows,
            windows.window_no
        ) as outcome,
        unit_pairs.us_to_convert,
        (epoch_us(run.as_of) - epoch_us(unit_pairs.from_at)) // 86400000000 as age_days
    from allowed
    cross join waterfall.run as run
    inner join waterfall.pairs as pairs on pairs.from_stage = allowed.from_key and pairs.to_stage = allowed.to_key
    inner join waterfall.window_limits as windows
        on windows.is_configured and windows.window_days is not distinct from allowed.window_days
    inner join journey.unit_pairs as unit_pairs on unit_pairs.pair_no = pairs.pair_no and unit_pairs.unit = allowed.unit
    inner join waterfall.day_periods as day_periods
        on day_periods.day = unit_pairs.from_date and day_periods.grain = allowed.grain
    inner join combinations on combinations.slice_set = unit_pairs.slice_set
    where allowed.has_window and allowed.has_pair and len(dimension_list("by")) > 1
),

tallied as (
    select
        units.pair_no,
        units.window_days,
        units.cohort_start,
        units.dimension_values,
        count(*) as entered,
        count(*) filter (where units.outcome = 'converted') as converted,
        count(*) filter (where units.outcome = 'passed_over') as passed_over,
        count(*) filter (where units.outcome = 'lost') as lost,
        count(*) filter (where units.outcome = 'still_open') as still_open,
        min(units.age_days) as age_days,
        quantile_cont(units.us_to_convert, [0.5, 0.9]) filter (where units.outcome = 'converted') as us_quantiles,
        sum(units.us_to_convert) filter (where units.outcome = 'converted') as us_total
    from units
    group by units.pair_no, units.window_days, units.cohort_start, units.dimension_values
),

from_units as (
    select
        asked.unit,
        asked.grain,
        tallied.cohort_start,
        array_to_string(asked.dimensions, ', ') as dimension,
        array_to_string(map_values(tallied.dimension_values), ', ') as dimension_value,
        asked.from_key as from_stage,
        asked.to_key as to_stage,
        tallied.window_days,
        tallied.entered,
        tallied.converted,
        tallied.passed_over,
        tallied.lost,
        tallied.still_open,
        coalesce(tallied.age_days >= coalesce(tallied.window_days, settle_days.settle_days), false) as is_mature,
        tallied.converted / cast(tallied.entered as double) as rate,
        wilson_low(tallied.converted, tallied.entered) as rate_low,
        wilson_high(tallied.converted, tallied.entered) as rate_high,
        tallied.us_quantiles[1] / 86400000000 as median_days,
        tallied.us_quantiles[2] / 86400000000 as p90_days,
        cast(tallied.us_total as double) / nullif(tallied.converted, 0) / 86400000000 as mean_days,
        tallied.dimension_values
    from tallied
    cross join asked
    inner join marts.settle_days as settle_days
        on settle_days.unit = asked.unit and settle_days.pair_no = tallied.pair_no
),

cohorts as (
    select from_mart.* from from_mart
    union all by name
    select from_units.* from from_units
)

select
    cohorts.* exclude (dimension_values),
    coverage.is_before_coverage,
    cohorts.dimension_values
from cohorts
inner join quality.period_coverage as coverage
    on coverage.grain = cohorts.grain
    and coverage.period_start is not distinct from cohorts.cohort_start
order by cohorts.cohort_start, cohorts.dimension_value
