-- The share of each cohort that had converted by the end of each later period; age 0 is the cohort's own period (K1).
-- is_partial marks a cell whose period contains as-of. still_open is the count at as-of, so an old cohort may still grow.
-- argument from_stage: stage or group that opens the measure
-- argument to_stage: stage or group that converts, above it on the path
-- argument grain = 'month': length of a cohort's period and of a step of age: day, week, month, quarter or year
-- argument unit = 'cycle': cycle, lead or account
-- example: from cohort_triangle('mql', 'sal', grain := 'quarter')
with
asked as materialized (
    select
        stage_key(from_stage) as from_key,
        stage_key(to_stage) as to_key,
        one_of(grain, ['day', 'week', 'month', 'quarter', 'year'], 'grain') as grain,
        one_unit(unit) as unit
),

wanted as materialized (
    select
        asked.*,
        coalesce(
            (
                select min(pairs.pair_no) from waterfall.pairs as pairs
                where pairs.from_stage = asked.from_key and pairs.to_stage = asked.to_key
            ),
            error('no such pair: the second stage must stand above the first on the path')
        ) as pair_no
    from asked
),

numbered_periods as materialized (
    select
        periods.period_start,
        periods.is_partial,
        row_number() over (order by periods.period_start) as period_no
    from waterfall.periods as periods
    inner join wanted on wanted.grain = periods.grain
),

units as (
    select
        started.period_no as cohort_no,
        converted.period_no as converted_no,
        unit_pairs.outcome = 'still_open' as is_open
    from wanted
    inner join journey.unit_pairs as unit_pairs
        on unit_pairs.pair_no = wanted.pair_no and unit_pairs.unit = wanted.unit
    inner join waterfall.day_periods as from_periods
        on from_periods.day = unit_pairs.from_date and from_periods.grain = wanted.grain
    inner join numbered_periods as started on started.period_start = from_periods.period_start
    left join waterfall.zone_days as zone_days on zone_days.utc_date = cast(unit_pairs.to_at as date)
    left join waterfall.day_periods as to_periods
        on to_periods.grain = wanted.grain
        and to_periods.day = cast(
            unit_pairs.to_at + to_seconds(
                case when unit_pairs.to_at < zone_days.changes_at or zone_days.changes_at is null
                    then zone_days.offset_before_s else zone_days.offset_after_s end
            ) as date
        )
    left join numbered_periods as converted on converted.period_start = to_periods.period_start
),

cohorts as (
    select units.cohort_no, count(*) as entered, count(*) filter (where units.is_open) as still_open
    from units
    group by units.cohort_no
),

cells as (
    select
        cohorts.cohort_no,
        ages.period_no - cohorts.cohort_no as age,
        cohorts.entered,
        count(units.converted_no) as converted,
        cohorts.still_open,
        ages.is_partial
    from cohorts
    inner join numbered_periods as ages on ages.period_no >= cohorts.cohort_no
    left join units on units.cohort_no = cohorts.cohort_no and units.converted_no <= ages.period_no
    group by cohorts.cohort_no, ages.period_no, cohorts.entered, cohorts.still_open, ages.is_partial
)

select
    wanted.unit,
    numbered_periods.period_start as cohort_start,
    cells.age,
    cells.entered,
    cells.converted,
    cells.still_open,
    cells.converted / cast(cells.entered as double) as rate,
    wilson_low(cells.converted, cells.entered) as rate_low,
    wilson_high(cells.converted, cells.entered) as rate_high,
    cells.is_partial
from cells
cross join wanted
inner join numbered_periods on numbered_periods.period_no = cells.cohort_no
order by numbered_periods.period_start, cells.age
