-- One row per unit, dimension value, headline pair and day since A: the share that has arrived at B by then (K6).
-- K6: Aalen and Johansen's cumulative incidence (1978, Scand J Statist 5: 141-150). Passed over and lost compete; a unit that is still
-- open is censored at as-of, after the events of the same instant. By day d means within d × 86,400 s, as in the windows of K2. So if no
-- unit is open, day W has the share converted within W days. Outcomes are those of today without a window: a unit that was passed over
-- and arrived at B later converted at that time.
-- The 95 % interval has Greenwood's variance (Collett, Modelling Survival Data, 3rd ed., p. 411) on the scale log(−log share); it does not
-- exist at 0 and 1 and is null there.
-- Only the values that depend on earlier units run from moment to moment; the rest is added up by day first, because in every slice there
-- are as many moments as units, and each running sum sorts them.
-- key: unit, dimension, dimension_value, from_stage, to_stage, day
-- not null: at_risk, converted_share, lost_share
-- accepted unit: cycle, lead, account
-- check: day between 0 and 730
-- check: converted_share between 0 and 1 and lost_share between 0 and 1
-- check: low <= converted_share and converted_share <= high
-- check: (low is null) = (converted_share in (0, 1))
-- column day: days of 86,400 s since the arrival at A: 0, 1 … to the last event or age, at most 730
-- column at_risk: units still waiting at the end of the day: no event before, and observed until then
-- column converted_share: share of all units that has arrived at B by then
-- column low: lower bound of its 95 % interval; null at 0 and 1
-- column high: upper bound of its 95 % interval; null at 0 and 1
-- column lost_share: share lost or passed over by then
with
run as (from waterfall.run),

pairs as (
    select pairs.* from waterfall.pairs as pairs where pairs.is_headline
),

unit_pairs as (from journey.unit_pairs),
cut_sets as (from journey.cut_sets),
cuts as (from journey.cuts),

-- Time from A to the event, or to as-of, in microseconds.
waits as (
    select
        unit_pairs.unit,
        unit_pairs.pair_no,
        unit_pairs.cut_set,
        unit_pairs.to_at is not null as is_converted,
        unit_pairs.above_at is not null or unit_pairs.is_closed as has_ended,
        epoch_us(coalesce(unit_pairs.to_at, unit_pairs.above_at, unit_pairs.closed_at, run.as_of))
        - epoch_us(unit_pairs.from_at) as us_waited
    from unit_pairs
    inner join pairs on pairs.pair_no = unit_pairs.pair_no
    cross join run
),

curves as (
    select
        row_number() over (order by waits.unit, waits.pair_no, cut_sets.cut_no) as curve_no,
        waits.unit,
        waits.pair_no,
        cut_sets.cut_no,
        sum(waits.units) as entered,
        sum(waits.lost) as lost,
        max(waits.us_waited) as us_longest
    from (
        select
            waits.unit,
            waits.pair_no,
            waits.cut_set,
            count(*) as units,
            count(*) filter (where waits.has_ended and not waits.is_converted) as lost,
            max(waits.us_waited) as us_waited
        from waits
        group by all
    ) as waits
    inner join cut_sets on cut_sets.cut_set = waits.cut_set
    group by waits.unit, waits.pair_no, cut_sets.cut_no
),

set_curves as (
    select curves.curve_no, curves.unit, curves.pair_no, cut_sets.cut_set
    from curves
    inner join cut_sets on cut_sets.cut_no = curves.cut_no
),

-- Units that leave after the last day of the curve only count as entered.
moments as (
    select
        set_curves.curve_no,
        waits.us_waited,
        cast(count(*) as integer) as leaving,
        cast(count(*) filter (where waits.is_converted) as integer) as converted,
        cast(count(*) filter (where waits.has_ended and not waits.is_converted) as integer) as lost
    from waits
    inner join set_curves
        on set_curves.cut_set = waits.cut_set and set_curves.unit = waits.unit and set_curves.pair_no = waits.pair_no
    where waits.us_waited <= 730 * 86400000000
    group by set_curves.curve_no, waits.us_waited
),

-- Counted in doubles, which hold every count exactly: a running sum of integers is half as fast.
left_before as (
    select
        moments.*,
        sum(cast(moments.leaving as double)) over (
            partition by moments.curve_no
            order by moments.us_waited
            rows unbounded preceding
        ) - moments.leaving as left_before
    from moments
),

at_risk as (
    select
        left_before.curve_no,
        left_before.us_waited,
        left_before.leaving,
        left_before.converted,
        left_before.lost,
        cast(curves.entered as double) - left_before.left_before as n,
        -- Only at the last moment of a curve can all remaining units convert.
        curves.lost = 0 and left_before.converted = curves.entered - left_before.left_before as is_everybody
    from left_before
    inner join curves on curves.curve_no = left_before.curve_no
),

-- Shares and logarithms are added as whole numbers of 10⁻³⁰ from here on, so that a sum is the same in any order:
-- DuckDB adds the rows of a window in parts, and the parts depend on the memory.
survival as (
    select
        at_risk.*,
        -- Only at the last moment of a curve can all remaining units leave, and no moment follows it.
        exp(coalesce(
            sum(cast(ln(nullif(1 - (at_risk.converted + at_risk.lost) / at_risk.n, 0)) * 1e30 as hugeint)) over (
                partition by at_risk.curve_no
                order by at_risk.us_waited
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) / 1e30) as share_before
    from at_risk
),

incidence as (
    select
        survival.*,
        sum(cast(survival.share_before * survival.converted / survival.n * 1e30 as hugeint)) over (
            partition by survival.curve_no
            order by survival.us_waited
            rows unbounded preceding
        ) / 1e30 as f
    from survival
),

-- The variance at t is Σ (F(t) − F(s))²·d/(n·(n − d)) + S²·c·(n − c)/n³ − 2·(F(t) − F(s))·S·c/n² over s up to t, where d are
-- all events at s, c the conversions and S the share waiting before. With the squares multiplied out it is running sums.
-- If all leave at once (n = d), no moment follows and there is no term.
terms as (
    select
        incidence.*,
        -- Day 0 is the instant of A itself; day d has the events after d − 1 days and up to d days.
        (incidence.us_waited + 86399999999) // 86400000000 as day,
        coalesce(
            (incidence.converted + incidence.lost)
            / (incidence.n * nullif(incidence.n - incidence.converted - incidence.lost, 0)),
            0
        ) as spread,
        incidence.share_before * incidence.converted / (incidence.n * incidence.n) as pull,
        incidence.share_before * incidence.share_before * incidence.converted * (incidence.n - incidence.converted)
        / (incidence.n * incidence.n * incidence.n) as own
    from incidence
),

-- Added up by day first, since only the ends of days are shown.
daily as (
    select
        terms.curve_no,
        terms.day,
        sum(terms.leaving) as leaving,
        coalesce(sum(terms.leaving) filter (where terms.us_waited = terms.day * 86400000000), 0) as at_the_end,
        bool_or(terms.is_everybody) as is_everybody,
        sum(cast(terms.share_before * terms.converted / terms.n * 1e30 as hugeint)) as f,
        sum(cast(terms.share_before * terms.lost / terms.n * 1e30 as hugeint)) as lost_share,
        sum(cast(terms.spread * 1e30 as hugeint)) as spread,
        sum(cast(terms.f * terms.spread * 1e30 as hugeint)) as f_spread,
        sum(cast(terms.f * terms.f * terms.spread * 1e30 as hugeint)) as f_f_spread,
        sum(cast(terms.own * 1e30 as hugeint)) as own,
        sum(cast(terms.pull * 1e30 as hugeint)) as pull,
        sum(cast(terms.f * terms.pull * 1e30 as hugeint)) as f_pull
    from terms
    group by terms.curve_no, terms.day
),

calendar as (
    select
        curves.curve_no,
        unnest(range(0, least((curves.us_longest + 86399999999) // 86400000000, 730) + 1)) as day
    from curves
),

upto_day as (
    select
        calendar.curve_no,
        calendar.day,
        coalesce(sum(cast(daily.leaving as double)) over upto, 0) as leaving,
        coalesce(daily.at_the_end, 0) as at_the_end,
        coalesce(bool_or(daily.is_everybody) over upto, false) as is_everybody,
        coalesce(sum(daily.f) over upto, 0) / 1e30 as f,
        coalesce(sum(daily.lost_share) over upto, 0) / 1e30 as lost_share,
        coalesce(sum(daily.spread) over upto, 0) / 1e30 as spread,
        coalesce(sum(daily.f_spread) over upto, 0) / 1e30 as f_spread,
        coalesce(sum(daily.f_f_spread) over upto, 0) / 1e30 as f_f_spread,
        coalesce(sum(daily.own) over upto, 0) / 1e30 as own,
        coalesce(sum(daily.pull) over upto, 0) / 1e30 as pull,
        coalesce(sum(daily.f_pull) over upto, 0) / 1e30 as f_pull
    from calendar
    left join daily on daily.curve_no = calendar.curve_no and daily.day = calendar.day
    window upto as (partition by calendar.curve_no order by calendar.day rows unbounded preceding)
),

shares as (
    select
        curves.unit,
        curves.cut_no,
        curves.pair_no,
        upto_day.day,
        -- Still waiting at the end of day d: units that leave at its last instant or later.
        curves.entered - upto_day.leaving + upto_day.at_the_end as at_risk,
        case when upto_day.is_everybody then 1.0 else least(upto_day.f, 1) end as converted_share,
        least(upto_day.lost_share, 1) as lost_share,
        sqrt(greatest(
            upto_day.f * upto_day.f * upto_day.spread
            - 2 * upto_day.f * upto_day.f_spread
            + upto_day.f_f_spread
            + upto_day.own
            - 2 * (upto_day.f * upto_day.pull - upto_day.f_pull),
            0
        )) as standard_error
    from upto_day
    inner join curves on curves.curve_no = upto_day.curve_no
),

-- The logarithm of 0 is an error, so shares of 0 and 1 become null before it.
logs as (
    select
        shares.*,
        -ln(case when shares.converted_share > 0 and shares.converted_share < 1 then shares.converted_share end) as minus_log,
        run.z
    from shares
    cross join run
)

select
    logs.unit,
    cuts.dimension,
    cuts.dimension_value,
    pairs.from_stage,
    pairs.to_stage,
    cast(logs.day as integer) as day,
    cast(logs.at_risk as bigint) as at_risk,
    logs.converted_share,
    exp(-logs.minus_log * exp(logs.z * logs.standard_error / (logs.converted_share * logs.minus_log))) as low,
    exp(-logs.minus_log * exp(-logs.z * logs.standard_error / (logs.converted_share * logs.minus_log))) as high,
    logs.lost_share
from logs
inner join pairs on pairs.pair_no = logs.pair_no
inner join cuts on cuts.cut_no = logs.cut_no
