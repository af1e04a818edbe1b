-- One row per unit, grain, cohort, dimension value, pair and window: how many units entered A and what became of them (K1 to K5).
-- entered = converted + passed_over + lost + still_open; the rate has its 95 % Wilson interval.
-- Months and all time are stored; the other grains are computed on read.
-- Quantiles cannot spill to disk, so a history too long for the memory is built pair by pair.
-- stored: grain in ('month', 'all')
-- partition: pair_no, sum(units) of marts.conversion_counts, 40 bytes each
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

windows as (
    select limits.window_no, limits.window_days from waterfall.window_limits as limits where limits.is_configured
),

settle_days as (from marts.settle_days),
day_periods as (from waterfall.day_periods),

month_counts as (from marts.conversion_counts),
unit_pairs as (from journey.unit_pairs),
outcomes as (from journey.unit_outcomes),
slice_members as (from journey.slice_members),
slices as (from journey.slices),

months as (
    select distinct
        cast(date_trunc('month', day_periods.day) as date) as month_start,
        day_periods.grain,
        day_periods.period_start
    from day_periods
    where day_periods.grain in ('month', 'quarter', 'year', 'all')
),

-- Not materialised, like the steps that read it, so that a query for months does not compute days.
gathered as not materialized (
    select months.grain, months.period_start, month_counts.* exclude (month_start)
    from month_counts
    inner join months on months.month_start = month_counts.month_start
    union all by name
    select
        day_periods.grain,
        day_periods.period_start,
        unit_pairs.unit,
        slice_members.slice_no,
        unit_pairs.pair_no,
        unit_pairs.convert_window,
        unit_pairs.pass_window,
        unit_pairs.is_closed,
        unit_pairs.ended_windows,
        1 as units,
        (epoch_us(run.as_of) - epoch_us(unit_pairs.from_at)) // 86400000000 as age_days,
        unit_pairs.us_to_convert as us_total
    from unit_pairs
    cross join run
    inner join day_periods on day_periods.day = unit_pairs.from_date and day_periods.grain in ('day', 'week')
    inner join slice_members on slice_members.slice_set = unit_pairs.slice_set
),

decided as not materialized (
    select
        gathered.*,
        windows.window_no,
        conversion_outcome(
            gathered.convert_window, gathered.pass_window, gathered.is_closed, gathered.ended_windows, windows.window_no
        ) as outcome
    from gathered
    cross join windows
),

tallied as not materialized (
    select
        decided.unit,
        decided.grain,
        decided.period_start,
        decided.slice_no,
        decided.pair_no,
        decided.window_no,
        sum(decided.units) as entered,
        coalesce(sum(decided.units) filter (where decided.outcome = 'converted'), 0) as converted,
        coalesce(sum(decided.units) filter (where decided.outcome = 'passed_over'), 0) as passed_over,
        coalesce(sum(decided.units) filter (where decided.outcome = 'lost'), 0) as lost,
        coalesce(sum(decided.units) filter (where decided.outcome = 'still_open'), 0) as still_open,
        min(decided.age_days) as age_days,
        sum(decided.us_total) filter (where decided.outcome = 'converted') as us_total
    from decided
    group by all
),

-- Only the conversions within the window.
durations as (
    select
        outcomes.unit,
        day_periods.grain,
        day_periods.period_start,
        slice_members.slice_no,
        outcomes.pair_no,
        windows.window_no,
        quantile_cont(outcomes.us_to_convert, [0.5, 0.9]) as us_quantiles
    from outcomes
    inner join day_periods on day_periods.day = outcomes.from_date
    inner join slice_members on slice_members.slice_set = outcomes.slice_set
    inner join windows on windows.window_no >= outcomes.convert_window
    where outcomes.us_to_convert is not null
    group by all
),

-- Combined by grouping, not by a join: a filter on the grain passes through a group, not through this join.
combined as (
    select tallied.* from tallied
    union all by name
    select
        durations.* exclude (us_quantiles),
        durations.us_quantiles[1] as us_median,
        durations.us_quantiles[2] as us_p90
    from durations
),

counted as (
    select
        combined.unit,
        combined.grain,
        combined.period_start as cohort_start,
        combined.slice_no,
        combined.pair_no,
        combined.window_no,
        cast(max(combined.entered) as bigint) as entered,
        cast(max(combined.converted) as bigint) as converted,
        cast(max(combined.passed_over) as bigint) as passed_over,
        cast(max(combined.lost) as bigint) as lost,
        cast(max(combined.still_open) as bigint) as still_open,
        min(combined.age_days) as age_days,
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
    slices.dimension,
    slices.dimension_value,
    pairs.from_stage,
    pairs.to_stage,
    windows.window_days,
    counted.entered,
    counted.converted,
    counted.passed_over,
    counted.lost,
    counted.still_open,
    -- By age alone: choosing cohorts without open units would favour those that converted fast.
    coalesce(counted.age_days >= coalesce(windows.window_days, settle_days.settle_days), false) as is_mature,
    counted.converted / cast(counted.entered as double) as rate,
    wilson_low(counted.converted, counted.entered) as rate_low,
    wilson_high(counted.converted, counted.entered) as rate_high,
    counted.us_median / 86400000000 as median_days,
    counted.us_p90 / 86400000000 as p90_days,
    cast(counted.us_total as double) / nullif(counted.converted, 0) / 86400000000 as mean_days
from counted
inner join pairs on pairs.pair_no = counted.pair_no
inner join windows on windows.window_no = counted.window_no
inner join slices on slices.slice_no = counted.slice_no
inner join settle_days on settle_days.unit = counted.unit and settle_days.pair_no = counted.pair_no
