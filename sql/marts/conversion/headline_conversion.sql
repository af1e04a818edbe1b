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
run as (from waterfall.run),

pairs as (
    select pairs.* from waterfall.pairs as pairs where pairs.is_headline
),

unit_pairs as (from journey.unit_pairs),
days as (from waterfall.days),
cut_sets as (from journey.cut_sets),
cuts as (from journey.cuts),

timed as (
    select
        unit_pairs.unit,
        unit_pairs.pair_no,
        unit_pairs.cut_set,
        days.month_start,
        unit_pairs.is_closed,
        epoch_us(unit_pairs.to_at) - epoch_us(unit_pairs.from_at) as us_to_convert,
        epoch_us(unit_pairs.above_at) - epoch_us(unit_pairs.from_at) as us_to_pass,
        epoch_us(run.as_of) - epoch_us(unit_pairs.from_at) as us_known,
        cast(pairs.headline_window_days as bigint) * 86400000000 as us_window
    from unit_pairs
    cross join run
    inner join pairs on pairs.pair_no = unit_pairs.pair_no
    inner join days on days.day = unit_pairs.from_date
),

decided as (
    select
        timed.*,
        case
            when timed.us_to_convert <= timed.us_window then 'converted'
            when timed.us_to_pass <= timed.us_window then 'passed_over'
            when timed.is_closed or timed.us_known >= timed.us_window then 'lost'
            else 'still_open'
        end as outcome
    from timed
),

-- By slice membership first: a unit is in one slice of each dimension.
by_set as (
    select
        decided.unit,
        decided.pair_no,
        decided.month_start,
        decided.cut_set,
        count(*) as entered,
        count(*) filter (where decided.outcome = 'converted') as converted,
        count(*) filter (where decided.outcome = 'passed_over') as passed_over,
        count(*) filter (where decided.outcome = 'lost') as lost,
        count(*) filter (where decided.outcome = 'still_open') as still_open,
        bool_and(decided.us_known >= decided.us_window) as is_mature
    from decided
    group by all
),

counted as (
    select
        by_set.unit,
        by_set.pair_no,
        by_set.month_start,
        cut_sets.cut_no,
        cast(sum(by_set.entered) as bigint) as entered,
        cast(sum(by_set.converted) as bigint) as converted,
        cast(sum(by_set.passed_over) as bigint) as passed_over,
        cast(sum(by_set.lost) as bigint) as lost,
        cast(sum(by_set.still_open) as bigint) as still_open,
        bool_and(by_set.is_mature) as is_mature
    from by_set
    inner join cut_sets on cut_sets.cut_set = by_set.cut_set
    group by by_set.unit, by_set.pair_no, by_set.month_start, cut_sets.cut_no
)

select
    counted.unit,
    counted.month_start as cohort_start,
    cuts.dimension,
    cuts.dimension_value,
    pairs.from_stage,
    pairs.to_stage,
    pairs.headline_window_days as window_days,
    counted.entered,
    counted.converted,
    counted.passed_over,
    counted.lost,
    counted.still_open,
    counted.is_mature,
    counted.converted / cast(counted.entered as double) as rate,
    wilson_low(counted.converted, counted.entered) as rate_low,
    wilson_high(counted.converted, counted.entered) as rate_high
from counted
inner join pairs on pairs.pair_no = counted.pair_no
inner join cuts on cuts.cut_no = counted.cut_no
