-- One row per unit, dimension value, headline pair and day since A: the share that has arrived at B by then (K6).
-- K6: Aalen and Johansen's cumulative incidence (1978, Scand J Statist 5: 141-150). Passed over and lost compete; a unit that is still
-- open is censored at as-of, after the events of the same day. Days are completed days since A, so day d has all that happened before
-- d + 1 days had passed. Outcomes are those of today without a window: a unit that was passed over and arrived at B later converted then.
-- The 95 % interval has Greenwood's variance (Collett, Modelling Survival Data, 3rd ed., p. 411) on the scale log(−log share); it does not
-- exist at 0 and 1 and is null there.
-- key: unit, dimension, dimension_value, from_stage, to_stage, day
-- not null: at_risk, converted_share, lost_share
-- accepted unit: cycle, lead, account
-- check: day between 0 and 730
-- check: converted_share between 0 and 1 and lost_share between 0 and 1
-- check: low <= converted_share and converted_share <= high
-- check: (low is null) = (converted_share in (0, 1))
-- column day: completed days of 86,400 s since the arrival at A: 0, 1 … to the last event or age, at most 730
-- column at_risk: units still waiting when the day begins: no event before, and observed until then
-- column converted_share: share of all units that has arrived at B by then
-- column low: lower bound of its 95 % interval; null at 0 and 1
-- column high: upper bound of its 95 % interval; null at 0 and 1
-- column lost_share: share lost or passed over by then
with
run as (from waterfall.run),

pairs as (from waterfall.pairs),

unit_pairs as (
    select unit_pairs.* from journey.unit_pairs as unit_pairs where unit_pairs.is_headline
),

slice_members as (from journey.slice_members),
slices as (from journey.slices),

-- Completed days from A to the event, or to as-of.
waits as (
    select
        unit_pairs.unit,
        unit_pairs.pair_no,
        unit_pairs.slice_set,
        (
            epoch_us(coalesce(unit_pairs.to_at, unit_pairs.above_at, unit_pairs.closed_at, run.as_of))
            - epoch_us(unit_pairs.from_at)
        ) // 86400000000 as day,
        count(*) as leaving,
        count(*) filter (where unit_pairs.to_at is not null) as converted,
        count(*) filter (
            where unit_pairs.to_at is null and (unit_pairs.above_at is not null or unit_pairs.is_closed)
        ) as lost
    from unit_pairs
    cross join run
    group by all
),

sliced as (
    select
        waits.unit,
        waits.pair_no,
        slice_members.slice_no,
        waits.day,
        sum(waits.leaving) as leaving,
        sum(waits.converted) as converted,
        sum(waits.lost) as lost
    from waits
    inner join slice_members on slice_members.slice_set = waits.slice_set
    group by all
),

curves as (
    select
        row_number() over (order by sliced.unit, sliced.pair_no, sliced.slice_no) as curve_no,
        sliced.unit,
        sliced.pair_no,
        sliced.slice_no,
        sum(sliced.leaving) as entered,
        sum(sliced.lost) as lost,
        least(max(sliced.day), 730) as last_day
    from sliced
    group by sliced.unit, sliced.pair_no, sliced.slice_no
),

calendar as (
    select curves.curve_no, unnest(range(0, curves.last_day + 1)) as day from curves
),

-- Units that leave after the last day of the curve only count as entered.
daily as (
    select
        calendar.curve_no,
        calendar.day,
        coalesce(sliced.leaving, 0) as leaving,
        coalesce(sliced.converted, 0) as converted,
        coalesce(sliced.lost, 0) as lost,
        curves.entered,
        curves.lost = 0 as is_without_losses
    from calendar
    inner join curves on curves.curve_no = calendar.curve_no
    left join sliced
        on sliced.unit = curves.unit
        and sliced.pair_no = curves.pair_no
        and sliced.slice_no = curves.slice_no
        and sliced.day = calendar.day
),

-- Counted in doubles, which hold every count exactly: a running sum of integers is half as fast. On every day somebody is at risk,
-- because the last unit leaves on the last day or later.
at_risk as (
    select
        daily.*,
        cast(daily.entered as double) + daily.leaving - sum(cast(daily.leaving as double)) over (
            partition by daily.curve_no order by daily.day rows unbounded preceding
        ) as n
    from daily
),

-- Shares and logarithms are added as whole numbers of 10⁻³⁰ from here on, so that a sum is the same in any order:
-- DuckDB adds the rows of a window in parts, and the parts depend on the memory.
survival as (
    select
        at_risk.*,
        -- Only on the last day can all remaining units leave, and no day follows it.
        exp(coalesce(
            sum(cast(ln(nullif(1 - (at_risk.converted + at_risk.lost) / at_risk.n, 0)) * 1e30 as hugeint)) over (
                partition by at_risk.curve_no
                order by at_risk.day
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) / 1e30) as share_before
    from at_risk
),

incidence as (
    select
        survival.*,
        sum(cast(survival.share_before * survival.converted / survival.n * 1e30 as hugeint)) over upto / 1e30 as f,
        sum(cast(survival.share_before * survival.lost / survival.n * 1e30 as hugeint)) over upto / 1e30 as lost_share
    from survival
    window upto as (partition by survival.curve_no order by survival.day rows unbounded preceding)
),

-- The variance at t is Σ (F(t) − F(s))²·d/(n·(n − d)) + S²·c·(n − c)/n³ − 2·(F(t) − F(s))·S·c/n² over s up to t, where d are
-- all events at s, c the conversions and S the share waiting before. With the squares multiplied out it is running sums.
-- If all leave at once (n = d), no day follows and there is no term.
terms as (
    select
        incidence.*,
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

sums as (
    select
        terms.*,
        sum(cast(terms.spread * 1e30 as hugeint)) over upto / 1e30 as sum_spread,
        sum(cast(terms.f * terms.spread * 1e30 as hugeint)) over upto / 1e30 as sum_f_spread,
        sum(cast(terms.f * terms.f * terms.spread * 1e30 as hugeint)) over upto / 1e30 as sum_f_f_spread,
        sum(cast(terms.own * 1e30 as hugeint)) over upto / 1e30 as sum_own,
        sum(cast(terms.pull * 1e30 as hugeint)) over upto / 1e30 as sum_pull,
        sum(cast(terms.f * terms.pull * 1e30 as hugeint)) over upto / 1e30 as sum_f_pull
    from terms
    window upto as (partition by terms.curve_no order by terms.day rows unbounded preceding)
),

shares as (
    select
        curves.unit,
        curves.slice_no,
        curves.pair_no,
        sums.day,
        sums.n as at_risk,
        -- If all remaining units convert and none was lost, the share is exactly 1.
        case when sums.is_without_losses and sums.converted = sums.n then 1.0 else least(sums.f, 1) end as converted_share,
        least(sums.lost_share, 1) as lost_share,
        sqrt(greatest(
            sums.f * sums.f * sums.sum_spread
            - 2 * sums.f * sums.sum_f_spread
            + sums.sum_f_f_spread
            + sums.sum_own
            - 2 * (sums.f * sums.sum_pull - sums.sum_f_pull),
            0
        )) as standard_error
    from sums
    inner join curves on curves.curve_no = sums.curve_no
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
    slices.dimension,
    slices.dimension_value,
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
inner join slices on slices.slice_no = logs.slice_no
