-- One row per unit, dimension value, headline pair and day since A: the share that has arrived at B by then (K6).
-- K6: Aalen and Johansen's cumulative incidence (1978, Scand J Statist 5: 141-150). Passed over and lost compete; a unit
-- still open is censored at as-of, after the events of the same instant. By day d means within d × 86,400 s, the window of
-- K2, so where nobody is still open day W is the share converted within W days. Fates are those of today without a
-- window: a unit passed over that came to B after all converted, when it did.
-- The 95 % interval is Greenwood's variance (Collett, Modelling Survival Data, 3rd ed., p. 411) on the scale
-- log(−log share); null at 0 and 1, where it has none.
-- key: unit, dimension, dimension_value, from_stage, to_stage, day
-- not null: at_risk, converted_share, lost_share
-- accepted unit: cycle, lead, account
-- check: day between 0 and 730
-- check: converted_share between 0 and 1 and lost_share between 0 and 1
-- check: low <= converted_share and converted_share <= high
-- check: (low is null) = (converted_share in (0, 1))
-- column day: days of 86,400 s since the arrival at A: 0, 1 … to the last event or age, at most 730
-- column at_risk: units still waiting when the day ends: no event before, and seen so long
-- column converted_share: share of all units that has arrived at B by then
-- column low: lower bound of its 95 % interval; null at 0 and 1
-- column high: upper bound of its 95 % interval; null at 0 and 1
-- column lost_share: share lost or passed over by then
with
run as (
    from waterfall.run
),

pairs as (
    select pairs.* from waterfall.pairs as pairs where pairs.is_headline
),

unit_pairs as (
    from journey.unit_pairs
),

cut_sets as (
    from journey.cut_sets
),

cuts as (
    from journey.cuts
),

-- What ended the wait for B, or as-of, in microseconds after A: exact.
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

moments as (
    select
        waits.unit,
        cut_sets.cut_no,
        waits.pair_no,
        waits.us_waited,
        count(*) as leaving,
        count(*) filter (where waits.is_converted) as converted,
        count(*) filter (where waits.has_ended and not waits.is_converted) as lost
    from waits
    inner join cut_sets on cut_sets.cut_set = waits.cut_set
    group by waits.unit, cut_sets.cut_no, waits.pair_no, waits.us_waited
),

at_risk as (
    select
        moments.*,
        cast(sum(moments.leaving) over (curve order by moments.us_waited desc rows unbounded preceding) as double) as n,
        cast(sum(moments.lost) over (curve order by moments.us_waited rows unbounded preceding) as bigint) as lost_by_then
    from moments
    window curve as (partition by moments.unit, moments.cut_no, moments.pair_no)
),

survival as (
    select
        at_risk.*,
        coalesce(
            product(1 - (at_risk.converted + at_risk.lost) / at_risk.n) over (
                partition by at_risk.unit, at_risk.cut_no, at_risk.pair_no
                order by at_risk.us_waited
                rows between unbounded preceding and 1 preceding
            ),
            1
        ) as share_before
    from at_risk
),

incidence as (
    select
        survival.*,
        sum(survival.share_before * survival.converted / survival.n) over upto as f,
        sum(survival.share_before * survival.lost / survival.n) over upto as lost_share,
        -- Everybody converted: exactly 1, whatever the additions left in the sixteenth digit.
        survival.lost_by_then = 0 and survival.converted = survival.n as is_everybody
    from survival
    window upto as (
        partition by survival.unit, survival.cut_no, survival.pair_no
        order by survival.us_waited
        rows unbounded preceding
    )
),

-- The variance at t is Σ (F(t) − F(s))²·d/(n·(n − d)) + S²·c·(n − c)/n³ − 2·(F(t) − F(s))·S·c/n² over s up to t, where d are
-- all events at s, c the conversions and S the share waiting before. With the squares multiplied out it is running sums.
-- Where all leave at once (n = d) nothing comes after: no term.
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

summed as (
    select
        terms.unit,
        terms.cut_no,
        terms.pair_no,
        terms.us_waited,
        terms.is_everybody,
        terms.f,
        terms.lost_share,
        terms.f * terms.f * (sum(terms.spread) over upto)
        - 2 * terms.f * (sum(terms.f * terms.spread) over upto)
        + (sum(terms.f * terms.f * terms.spread) over upto)
        + (sum(terms.own) over upto)
        - 2 * (terms.f * (sum(terms.pull) over upto) - (sum(terms.f * terms.pull) over upto)) as variance
    from terms
    window upto as (
        partition by terms.unit, terms.cut_no, terms.pair_no
        order by terms.us_waited
        rows unbounded preceding
    )
),

-- Day 0 is the instant of A itself; day d has what came later than d − 1 days and not later than d.
days_waited as (
    select
        moments.*,
        (moments.us_waited + 86399999999) // 86400000000 as day
    from moments
),

calendar as (
    select
        days_waited.unit,
        days_waited.cut_no,
        days_waited.pair_no,
        unnest(range(0, least(max(days_waited.day), 730) + 1)) as day
    from days_waited
    group by days_waited.unit, days_waited.cut_no, days_waited.pair_no
),

-- Still waiting when day d ends: those who leave in it at its very last instant, and all who leave later.
left_by_day as (
    select
        days_waited.unit,
        days_waited.cut_no,
        days_waited.pair_no,
        days_waited.day,
        sum(days_waited.leaving) as leaving,
        coalesce(sum(days_waited.leaving) filter (where days_waited.us_waited = days_waited.day * 86400000000), 0) as at_the_end
    from days_waited
    group by days_waited.unit, days_waited.cut_no, days_waited.pair_no, days_waited.day
),

entered as (
    select moments.unit, moments.cut_no, moments.pair_no, sum(moments.leaving) as entered
    from moments
    group by moments.unit, moments.cut_no, moments.pair_no
),

by_day as (
    select
        calendar.unit,
        calendar.cut_no,
        calendar.pair_no,
        calendar.day,
        calendar.day * 86400000000 as us_day,
        entered.entered
        - sum(coalesce(left_by_day.leaving, 0)) over (
            partition by calendar.unit, calendar.cut_no, calendar.pair_no
            order by calendar.day
            rows unbounded preceding
        )
        + coalesce(left_by_day.at_the_end, 0) as at_risk
    from calendar
    inner join entered
        on entered.unit = calendar.unit and entered.cut_no = calendar.cut_no and entered.pair_no = calendar.pair_no
    left join left_by_day
        on left_by_day.unit = calendar.unit
        and left_by_day.cut_no = calendar.cut_no
        and left_by_day.pair_no = calendar.pair_no
        and left_by_day.day = calendar.day
),

shares as (
    select
        by_day.unit,
        by_day.cut_no,
        by_day.pair_no,
        by_day.day,
        by_day.at_risk,
        case when summed.is_everybody then 1.0 else coalesce(summed.f, 0) end as converted_share,
        least(coalesce(summed.lost_share, 0), 1) as lost_share,
        sqrt(greatest(summed.variance, 0)) as standard_error
    from by_day
    asof left join summed
        on summed.unit = by_day.unit
        and summed.cut_no = by_day.cut_no
        and summed.pair_no = by_day.pair_no
        and summed.us_waited <= by_day.us_day
),

-- The logarithm of 0 is an error, so the ends get null before it is taken.
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
