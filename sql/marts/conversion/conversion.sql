-- One row per unit, grain, cohort, dimension value, pair and window: how many units entered A and what became of them (K1 to K5).
-- entered = converted + passed_over + lost + still_open; the rate has its 95 % Wilson interval.
-- Months and longer periods are stored. Days and weeks are computed on read: over all slices and pairs they would be most of the rows.
-- Lists cannot spill to disk, so a history too long for the memory is built pair by pair.
-- kept: grain in ('month', 'quarter', 'year', 'all')
-- parts: pair_no of each unit, sum(units) of marts.conversion_fates, 100 bytes each
-- key: unit, grain, cohort_start, dimension, dimension_value, from_stage, to_stage, window_days
-- not null: entered, converted, passed_over, lost, still_open, is_mature, rate, rate_low, rate_high
-- accepted unit: cycle, lead, account
-- accepted grain: day, week, month, quarter, year, all
-- check: entered = converted + passed_over + lost + still_open
-- check: rate_low <= rate and rate <= rate_high
-- check: window_days is null or not is_mature or still_open = 0
-- column cohort_start: first day of the period in which the units arrived at A
-- column median_days: median days from A to B over converted units (T3)
-- column p90_days: 90th percentile of the same
-- column mean_days: mean of the same
with
run as (from waterfall.run),
pairs as (from waterfall.pairs),
windows as (from waterfall.windows),
settle_days as (from marts.settle_days),
day_periods as (from waterfall.day_periods),

month_fates as (
    select fates.*
    from marts.conversion_fates as fates
    where
        fates.pair_no >= coalesce(getvariable('first_pair_no'), 0)
        and fates.pair_no <= coalesce(getvariable('last_pair_no'), 32767)
        and (getvariable('one_unit') is null or fates.unit = getvariable('one_unit'))
),

fates as (
    select fates.*
    from journey.unit_fates as fates
    where
        fates.pair_no >= coalesce(getvariable('first_pair_no'), 0)
        and fates.pair_no <= coalesce(getvariable('last_pair_no'), 32767)
        and (getvariable('one_unit') is null or fates.unit = getvariable('one_unit'))
),

cut_sets as (from journey.cut_sets),
cuts as (from journey.cuts),

limits as (
    select
        windows.window_days,
        windows.window_days * 86400000000 as window_us,
        row_number() over (order by windows.window_days nulls last) as window_no
    from windows
),

months as (
    select distinct
        cast(date_trunc('month', day_periods.day) as date) as month_start,
        day_periods.grain,
        day_periods.period_start
    from day_periods
    where day_periods.grain in ('month', 'quarter', 'year', 'all')
),

gathered as (
    select 'month' as grain, month_fates.month_start as period_start, month_fates.* exclude (month_start)
    from month_fates
    union all by name
    select
        day_periods.grain,
        day_periods.period_start,
        fates.unit,
        cut_sets.cut_no,
        fates.pair_no,
        fates.convert_place,
        fates.pass_place,
        fates.is_closed,
        fates.old_place,
        1 as units,
        fates.from_at as youngest_at,
        fates.us_to_convert as us_total
    from fates
    inner join day_periods on day_periods.day = fates.from_date and day_periods.grain in ('day', 'week')
    inner join cut_sets on cut_sets.cut_set = fates.cut_set
),

-- Not materialised, like the steps that read it, so that a query for months does not compute days.
decided as not materialized (
    select
        gathered.*,
        limits.window_no,
        case
            when gathered.convert_place < limits.window_no then 'converted'
            when gathered.pass_place < limits.window_no then 'passed_over'
            when gathered.is_closed or gathered.old_place >= limits.window_no then 'lost'
            else 'still_open'
        end as outcome
    from gathered
    cross join limits
),

tallied as not materialized (
    select
        decided.unit,
        decided.grain,
        decided.period_start,
        decided.cut_no,
        decided.pair_no,
        decided.window_no,
        sum(decided.units) as entered,
        coalesce(sum(decided.units) filter (where decided.outcome = 'converted'), 0) as converted,
        coalesce(sum(decided.units) filter (where decided.outcome = 'passed_over'), 0) as passed_over,
        coalesce(sum(decided.units) filter (where decided.outcome = 'lost'), 0) as lost,
        coalesce(sum(decided.units) filter (where decided.outcome = 'still_open'), 0) as still_open,
        max(decided.youngest_at) as youngest_at,
        sum(decided.us_total) filter (where decided.outcome = 'converted') as us_total
    from decided
    group by all
),

added_up as (
    select tallied.* from tallied where tallied.grain <> 'month'
    union all by name
    select
        tallied.unit,
        months.grain,
        months.period_start,
        tallied.cut_no,
        tallied.pair_no,
        tallied.window_no,
        sum(tallied.entered) as entered,
        sum(tallied.converted) as converted,
        sum(tallied.passed_over) as passed_over,
        sum(tallied.lost) as lost,
        sum(tallied.still_open) as still_open,
        max(tallied.youngest_at) as youngest_at,
        sum(tallied.us_total) as us_total
    from tallied
    inner join months on months.month_start = tallied.period_start
    where tallied.grain = 'month'
    group by all
),

listed as (
    select
        fates.unit,
        months.period_start,
        cut_sets.cut_no,
        fates.pair_no,
        list(fates.us_to_convert) as us_each
    from fates
    inner join day_periods as months on months.day = fates.from_date and months.grain = 'month'
    inner join cut_sets on cut_sets.cut_set = fates.cut_set
    where fates.us_to_convert is not null
    group by all
),

-- Quantiles cannot be added up, so each period has the lengths of all its months in one list.
lengths as (
    select
        listed.unit,
        months.grain,
        months.period_start,
        listed.cut_no,
        listed.pair_no,
        flatten(list(listed.us_each)) as us_each
    from listed
    inner join months on months.month_start = listed.period_start
    group by all
    union all
    select
        fates.unit,
        day_periods.grain,
        day_periods.period_start,
        cut_sets.cut_no,
        fates.pair_no,
        list(fates.us_to_convert) as us_each
    from fates
    inner join day_periods on day_periods.day = fates.from_date and day_periods.grain in ('day', 'week')
    inner join cut_sets on cut_sets.cut_set = fates.cut_set
    where fates.us_to_convert is not null
    group by all
),

-- Only the conversions within the window.
ranked as (
    select
        lengths.* exclude (us_each),
        limits.window_no,
        list_aggregate(
            case
                when limits.window_us is null then lengths.us_each
                else [us for us in lengths.us_each if us <= limits.window_us]
            end,
            'quantile_cont',
            [0.5, 0.9]
        ) as us_quantiles
    from lengths
    cross join limits
),

-- Combined by grouping, not by a join: a filter on the grain passes through a group, not through this join.
combined as (
    select added_up.* from added_up
    union all by name
    select
        ranked.* exclude (us_quantiles),
        ranked.us_quantiles[1] as us_median,
        ranked.us_quantiles[2] as us_p90
    from ranked
),

counted as (
    select
        combined.unit,
        combined.grain,
        combined.period_start as cohort_start,
        combined.cut_no,
        combined.pair_no,
        combined.window_no,
        cast(max(combined.entered) as bigint) as entered,
        cast(max(combined.converted) as bigint) as converted,
        cast(max(combined.passed_over) as bigint) as passed_over,
        cast(max(combined.lost) as bigint) as lost,
        cast(max(combined.still_open) as bigint) as still_open,
        max(combined.youngest_at) as youngest_at,
        max(combined.us_total) as us_total,
        max(combined.us_median) as us_median,
        max(combined.us_p90) as us_p90
    from combined
    group by all
)

select
    counted.unit,
    counted.grain,
    counted.cohort_start,
    cuts.dimension,
    cuts.dimension_value,
    pairs.from_stage,
    pairs.to_stage,
    limits.window_days,
    counted.entered,
    counted.converted,
    counted.passed_over,
    counted.lost,
    counted.still_open,
    -- By age alone: choosing cohorts without open units would favour those that converted fast.
    coalesce(
        epoch_us(run.as_of) - epoch_us(counted.youngest_at)
        >= cast(coalesce(limits.window_days, settle_days.settle_days) as bigint) * 86400000000,
        false
    ) as is_mature,
    counted.converted / cast(counted.entered as double) as rate,
    wilson_low(counted.converted, counted.entered) as rate_low,
    wilson_high(counted.converted, counted.entered) as rate_high,
    counted.us_median / 86400000000 as median_days,
    counted.us_p90 / 86400000000 as p90_days,
    cast(counted.us_total as double) / nullif(counted.converted, 0) / 86400000000 as mean_days
from counted
cross join run
inner join pairs on pairs.pair_no = counted.pair_no
inner join limits on limits.window_no = counted.window_no
inner join cuts on cuts.cut_no = counted.cut_no
inner join settle_days on settle_days.unit = counted.unit and settle_days.pair_no = counted.pair_no
