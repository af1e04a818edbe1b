-- One row per unit, grain, cohort, dimension value, pair and window: how many entered A and what became of them.
-- K1 to K5: entered = converted + passed_over + lost + still_open; rate with its 95 % Wilson interval
-- (Wilson 1927, JASA 22: 209-212), in doubles and without n², so that no count overflows.
-- key: unit, grain, cohort_start, dimension, dimension_value, from_stage, to_stage, window_days
-- not null: entered, converted, passed_over, lost, still_open, is_mature, rate, rate_low, rate_high
-- accepted unit: cycle, lead, account
-- accepted grain: day, week, month, quarter, year, all
-- check: entered = converted + passed_over + lost + still_open
-- check: rate_low <= rate and rate <= rate_high
-- column cohort_start: first day of the period in which the units arrived at A
-- column median_days: median days from A to B over converted units (T3)
-- column p90_days: 90th percentile of the same
-- column mean_days: mean of the same
with
run as (
    from waterfall.run
),

pairs as (
    from waterfall.pairs
),

windows as (
    from waterfall.windows
),

day_periods as (
    from waterfall.day_periods
),

unit_pairs as (
    from journey.unit_pairs
),

span_cuts as (
    from journey.span_cuts
),

cuts as (
    from journey.cuts
),

-- Window and outcome per unit, before the cuts multiply the rows. All spans of time in microseconds, exact.
judged as (
    select
        unit_pairs.unit,
        unit_pairs.pair_no,
        unit_pairs.from_date,
        unit_pairs.lead_no,
        unit_pairs.span_no,
        windows.window_days,
        epoch_us(unit_pairs.to_at) - epoch_us(unit_pairs.from_at) as us_to_convert,
        epoch_us(unit_pairs.above_at) - epoch_us(unit_pairs.from_at) as us_to_pass,
        epoch_us(run.as_of) - epoch_us(unit_pairs.from_at) as us_known,
        windows.window_days * 86400000000 as us_window,
        unit_pairs.is_closed
    from unit_pairs
    cross join windows
    cross join run
),

decided as (
    select
        judged.unit,
        judged.pair_no,
        judged.from_date,
        judged.lead_no,
        judged.span_no,
        judged.window_days,
        judged.us_to_convert,
        coalesce(judged.us_known >= judged.us_window, false) as is_old_enough,
        case
            when judged.us_to_convert <= coalesce(judged.us_window, judged.us_to_convert) then 'converted'
            when judged.us_to_pass <= coalesce(judged.us_window, judged.us_to_pass) then 'passed_over'
            when judged.is_closed or judged.us_known > judged.us_window then 'lost'
            else 'still_open'
        end as outcome
    from judged
),

counted as (
    select
        decided.unit,
        day_periods.grain,
        day_periods.period_start as cohort_start,
        span_cuts.cut_no,
        decided.pair_no,
        decided.window_days,
        count(*) as entered,
        count(*) filter (where decided.outcome = 'converted') as converted,
        count(*) filter (where decided.outcome = 'passed_over') as passed_over,
        count(*) filter (where decided.outcome = 'lost') as lost,
        count(*) filter (where decided.outcome = 'still_open') as still_open,
        bool_and(decided.is_old_enough) as is_old_enough,
        sum(decided.us_to_convert) filter (where decided.outcome = 'converted') as us_total,
        quantile_cont(decided.us_to_convert, [0.5, 0.9]) filter (where decided.outcome = 'converted') as us_quantiles
    from decided
    inner join span_cuts on span_cuts.lead_no = decided.lead_no and span_cuts.span_no = decided.span_no
    inner join day_periods on day_periods.day = decided.from_date
    group by
        decided.unit,
        day_periods.grain,
        day_periods.period_start,
        span_cuts.cut_no,
        decided.pair_no,
        decided.window_days
),

-- n > 0 in every row here: a cohort of nobody has no row.
shares as (
    select
        counted.*,
        cast(counted.entered as double) as n,
        counted.converted / cast(counted.entered as double) as p,
        run.z as z,
        run.z * run.z as zz
    from counted
    cross join run
)

select
    shares.unit,
    shares.grain,
    shares.cohort_start,
    cuts.dimension,
    cuts.dimension_value,
    pairs.from_stage,
    pairs.to_stage,
    shares.window_days,
    shares.entered,
    shares.converted,
    shares.passed_over,
    shares.lost,
    shares.still_open,
    case when shares.window_days is null then shares.still_open = 0 else shares.is_old_enough end as is_mature,
    shares.p as rate,
    -- The bounds are exact at 0 and 1; rounding must not leave them a hair outside.
    case when shares.converted = 0 then 0.0 else
        (shares.p + shares.zz / (2 * shares.n)
            - shares.z * sqrt((shares.p * (1 - shares.p) + shares.zz / (4 * shares.n)) / shares.n))
        / (1 + shares.zz / shares.n)
    end as rate_low,
    case when shares.converted = shares.entered then 1.0 else
        (shares.p + shares.zz / (2 * shares.n)
            + shares.z * sqrt((shares.p * (1 - shares.p) + shares.zz / (4 * shares.n)) / shares.n))
        / (1 + shares.zz / shares.n)
    end as rate_high,
    shares.us_quantiles[1] / 86400000000 as median_days,
    shares.us_quantiles[2] / 86400000000 as p90_days,
    cast(shares.us_total as double) / nullif(shares.converted, 0) / 86400000000 as mean_days
from shares
inner join pairs on pairs.pair_no = shares.pair_no
inner join cuts on cuts.cut_no = shares.cut_no
