-- One row per unit, month of arrival at A, dimension value and headline pair: the counts within the pair's headline window (K9).
-- marts.conversion has the configured windows for every pair; the headline window of a pair may be a different one.
-- key: unit, cohort_start, dimension, dimension_value, from_stage, to_stage
-- not null: window_days, entered, converted, passed_over, lost, still_open, is_mature, rate, rate_low, rate_high
-- accepted unit: cycle, lead, account
-- check: entered = converted + passed_over + lost + still_open
-- check: rate_low <= rate and rate <= rate_high
-- check: not is_mature or still_open = 0
-- column cohort_start: first day of the month in which the units arrived at A
-- column window_days: the pair's headline window
-- column is_mature: final: the youngest unit is at least window_days old at as-of (K5)
with
pairs as (
    select pairs.* from waterfall.pairs as pairs where pairs.is_headline
),

limits as (from waterfall.window_limits),
counts as (from marts.conversion_counts),
slices as (from journey.slices),

decided as (
    select
        counts.*,
        limits.window_days,
        conversion_outcome(
            counts.convert_window, counts.pass_window, counts.is_closed, counts.ended_windows, limits.window_no
        ) as outcome
    from counts
    inner join pairs on pairs.pair_no = counts.pair_no
    inner join limits on limits.window_days = pairs.headline_window_days
),

counted as (
    select
        decided.unit,
        decided.pair_no,
        decided.month_start,
        decided.slice_no,
        decided.window_days,
        cast(sum(decided.units) as bigint) as entered,
        cast(coalesce(sum(decided.units) filter (where decided.outcome = 'converted'), 0) as bigint) as converted,
        cast(coalesce(sum(decided.units) filter (where decided.outcome = 'passed_over'), 0) as bigint) as passed_over,
        cast(coalesce(sum(decided.units) filter (where decided.outcome = 'lost'), 0) as bigint) as lost,
        cast(coalesce(sum(decided.units) filter (where decided.outcome = 'still_open'), 0) as bigint) as still_open,
        min(decided.age_days) as age_days
    from decided
    group by decided.unit, decided.pair_no, decided.month_start, decided.slice_no, decided.window_days
)

select
    counted.unit,
    counted.month_start as cohort_start,
    slices.dimension,
    slices.dimension_value,
    pairs.from_stage,
    pairs.to_stage,
    counted.window_days,
    counted.entered,
    counted.converted,
    counted.passed_over,
    counted.lost,
    counted.still_open,
    counted.age_days >= counted.window_days as is_mature,
    counted.converted / cast(counted.entered as double) as rate,
    wilson_low(counted.converted, counted.entered) as rate_low,
    wilson_high(counted.converted, counted.entered) as rate_high
from counted
inner join pairs on pairs.pair_no = counted.pair_no
inner join slices on slices.slice_no = counted.slice_no
