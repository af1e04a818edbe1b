-- One row per as-of instant, headline pair and cohort with open units then: the expected final conversion rate (K6).
-- Instants are now and the last twelve ends of a month, each with what was known then: entries up to it, and outcomes as of it. Unit: the
-- pair's; window: ever. A unit open at age a (completed days) converts with p = (F∞ − F(a)) / S(a), where F is Aalen and Johansen's
-- incidence of arriving at B over all cohorts (as in marts.conversion_curve) and S the share still waiting; a row of grain all adds the
-- cohorts.
-- The 95 % interval is √(z² · Σ p(1 − p) + (Σ e)²) to either side: the open units are independent draws, and the error of the curve, e = z
-- times Greenwood's standard error of p, is common to them. Greenwood's is 0 if all m units that waited longer and are decided had the same
-- outcome. Then e is Clopper and Pearson's 1 − 0.025^(1/m) (1934, Biometrika 26: 404-413): upward if none converted and p is 0, downward
-- at least that if all did. Bounds are rounded outward to whole units. The estimate assumes that cohorts convert as in the past.
-- key: as_of_no, from_stage, to_stage, grain, cohort_start
-- not null: as_of_at, as_of_date, from_stage, to_stage, entered, converted, still_open, converted_by_now, open_by_now, is_final_now
-- accepted grain: month, all
-- check: still_open > 0 and converted + still_open <= entered
-- check: low <= estimate and estimate <= high
-- check: low >= converted / entered and high <= (converted + still_open) / entered
-- check: (estimate is null) = (low is null) and (estimate is null) = (high is null)
-- check: converted_by_now >= converted
-- check: as_of_no > 0 or (converted_by_now = converted and open_by_now = still_open)
-- column as_of_no: 0 = now, 1 = the last end of a month before the month of as-of, 2 = the one before …
-- column as_of_at: the instant (UTC) of the estimate: as-of, or the last second of a month
-- column as_of_date: its date on the waterfall's clock
-- column cohort_start: first day of the month in which the units arrived at A; null for the grain all
-- column entered: units that had arrived at A by then
-- column converted: of these, those that had arrived at B by then
-- column still_open: of these, those that could still convert
-- column estimate: share of entered expected to have converted in the end; null while no unit had converted
-- column low: lower bound of its 95 % interval, at least converted / entered
-- column high: upper bound of its 95 % interval, at most (converted + still_open) / entered
-- column converted_by_now: of entered, those that have arrived at B by the as-of of the run
-- column open_by_now: of entered, those still open at the as-of of the run
-- column is_final_now: the youngest of entered is at least settle_days old at the as-of of the run (K5)
with
run as (from waterfall.run),

pairs as (
    select pairs.* from waterfall.pairs as pairs where pairs.is_headline
),

settle_days as (from marts.settle_days),

months as (
    select periods.period_start as month_start from waterfall.periods as periods where periods.grain = 'month'
),

zone_days as (from waterfall.zone_days),

units as (
    select unit_pairs.*
    from journey.unit_pairs as unit_pairs
    inner join pairs on pairs.pair_no = unit_pairs.pair_no and pairs.unit = unit_pairs.unit
    where unit_pairs.is_headline
),

ended_months as (
    select months.month_start, row_number() over (order by months.month_start desc) as as_of_no
    from months
    qualify as_of_no <= 12 and months.month_start > min(months.month_start) over ()
),

-- The first instant in each UTC date at which the month has begun, before and after a clock change on that date.
begun as (
    select
        ended_months.as_of_no,
        ended_months.month_start,
        zone_days.changes_at,
        greatest(
            cast(zone_days.utc_date as timestamp),
            ended_months.month_start - to_seconds(zone_days.offset_before_s)
        ) as before_change,
        greatest(
            zone_days.changes_at,
            ended_months.month_start - to_seconds(zone_days.offset_after_s)
        ) as after_change,
        cast(zone_days.utc_date + 1 as timestamp) as next_day
    from ended_months
    inner join zone_days
        on zone_days.utc_date between ended_months.month_start - 2 and ended_months.month_start + 2
),

-- The last second of a month, as when as-of is pinned to its last day.
as_ofs as (
    select 0 as as_of_no, run.as_of as as_of_at, run.as_of_date
    from run
    union all
    select
        begun.as_of_no,
        min(
            case
                when begun.before_change < coalesce(begun.changes_at, begun.next_day) then begun.before_change
                when begun.changes_at is not null and begun.after_change < begun.next_day then begun.after_change
            end
        ) - interval 1 second,
        begun.month_start - 1
    from begun
    group by begun.as_of_no, begun.month_start
),

-- Converted before passed over before lost (K3), each only if it had happened by then.
known as (
    select
        as_ofs.as_of_no,
        units.pair_no,
        units.from_at,
        cast(date_trunc('month', units.from_date) as date) as cohort_start,
        case
            when units.to_at <= as_ofs.as_of_at then 'converted'
            when units.above_at <= as_ofs.as_of_at or units.closed_at <= as_ofs.as_of_at then 'lost'
            else 'still_open'
        end as fate,
        (
            epoch_us(
                case
                    when units.to_at <= as_ofs.as_of_at then units.to_at
                    when units.above_at <= as_ofs.as_of_at then units.above_at
                    when units.closed_at <= as_ofs.as_of_at then units.closed_at
                    else as_ofs.as_of_at
                end
            )
            - epoch_us(units.from_at)
        ) // 86400000000 as age_days,
        units.to_at is not null as is_converted_now,
        units.to_at is null and units.above_at is null and not units.is_closed as is_open_now
    from units
    inner join pairs on pairs.pair_no = units.pair_no
    inner join as_ofs on as_ofs.as_of_at >= units.from_at
),

by_age as (
    select
        known.as_of_no,
        known.pair_no,
        known.age_days,
        count(*) as leaving,
        count(*) filter (where known.fate = 'converted') as converted,
        count(*) filter (where known.fate <> 'still_open') as ended
    from known
    group by all
),

-- Running counts in doubles, which hold every count exactly: a running sum of integers is half as fast.
at_risk as (
    select
        by_age.*,
        sum(cast(by_age.leaving as double)) over since as n,
        sum(cast(by_age.converted as double)) over since - by_age.converted as converted_later,
        sum(cast(by_age.ended as double)) over since - by_age.ended as decided_later
    from by_age
    window since as (
        partition by by_age.as_of_no, by_age.pair_no
        order by by_age.age_days desc
        rows unbounded preceding
    )
),

-- Logarithms, shares and variances are added as whole numbers of 10⁻³⁰, so that a sum is the same in any order.
survival as (
    select
        at_risk.*,
        exp(coalesce(
            sum(cast(ln(nullif(1 - at_risk.ended / at_risk.n, 0)) * 1e30 as hugeint)) over (
                partition by at_risk.as_of_no, at_risk.pair_no
                order by at_risk.age_days
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) / 1e30) as share_before
    from at_risk
),

-- F∞ − F(s), added up from later days, which avoids a small difference of large sums.
remaining as (
    select
        survival.*,
        survival.share_before * (1 - survival.ended / survival.n) as share_after,
        coalesce(
            sum(cast(survival.share_before * survival.converted / survival.n * 1e30 as hugeint)) over (
                partition by survival.as_of_no, survival.pair_no
                order by survival.age_days desc
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) / 1e30 as share_to_come
    from survival
),

-- Greenwood's variance of F∞ − F(a), of the days s after a: with R = F∞ − F(s), d all events at s, c the conversions and S the
-- share waiting before, R²·d/(n·(n − d)) + S²·c·(n − c)/n³ − 2·R·S·c/n². If all leave at once (n = d), no day follows.
terms as (
    select
        remaining.*,
        coalesce(
            remaining.share_to_come * remaining.share_to_come * remaining.ended
            / (remaining.n * nullif(remaining.n - remaining.ended, 0)),
            0
        )
        + remaining.share_before * remaining.share_before * remaining.converted * (remaining.n - remaining.converted)
        / (remaining.n * remaining.n * remaining.n)
        - 2 * remaining.share_to_come * remaining.share_before * remaining.converted / (remaining.n * remaining.n) as term
    from remaining
),

summed as (
    select
        terms.*,
        coalesce(
            sum(cast(terms.term * 1e30 as hugeint)) over (
                partition by terms.as_of_no, terms.pair_no
                order by terms.age_days desc
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) / 1e30 as variance
    from terms
),

-- A unit that is open at some age is still at risk there: n > d, so share_after > 0.
probabilities as (
    select
        summed.as_of_no,
        summed.pair_no,
        summed.age_days,
        least(summed.share_to_come / summed.share_after, 1) as chance,
        run.z * sqrt(greatest(summed.variance, 0)) / summed.share_after as error,
        -- The greatest chance at which no conversion among m units has a probability of 1 in 40; 1 if m is 0.
        case when summed.decided_later > 0 then 1 - pow(0.025, 1 / cast(summed.decided_later as double)) else 1 end as bound,
        summed.converted_later = 0 as is_none,
        summed.converted_later = summed.decided_later and summed.converted_later > 0 as is_every
    from summed
    cross join run
    where summed.leaving > summed.ended
),

open_units as (
    select
        known.as_of_no,
        known.pair_no,
        known.cohort_start,
        grouping(known.cohort_start) as is_all,
        known.age_days,
        count(*) as units
    from known
    where known.fate = 'still_open'
    group by grouping sets (
        (known.as_of_no, known.pair_no, known.age_days, known.cohort_start), (known.as_of_no, known.pair_no, known.age_days)
    )
),

-- Added as whole numbers of 10⁻¹², so that the sum is the same in any order.
expected as (
    select
        open_units.as_of_no,
        open_units.pair_no,
        open_units.is_all,
        open_units.cohort_start,
        sum(open_units.units * cast(round(probabilities.chance * 1e12) as hugeint)) / 1e12 as converting,
        sum(open_units.units * cast(round(probabilities.chance * (1 - probabilities.chance) * 1e12) as hugeint)) / 1e12 as scatter,
        sum(open_units.units * cast(round(if(probabilities.is_every, greatest(probabilities.error, probabilities.bound), probabilities.error) * 1e12) as hugeint)) / 1e12 as doubt_down,
        sum(open_units.units * cast(round(if(probabilities.is_none, probabilities.bound, probabilities.error) * 1e12) as hugeint)) / 1e12 as doubt_up
    from open_units
    inner join probabilities
        on probabilities.as_of_no = open_units.as_of_no
        and probabilities.pair_no = open_units.pair_no
        and probabilities.age_days = open_units.age_days
    group by open_units.as_of_no, open_units.pair_no, open_units.is_all, open_units.cohort_start
),

cohorts as (
    select
        known.as_of_no,
        known.pair_no,
        known.cohort_start,
        grouping(known.cohort_start) as is_all,
        count(*) as entered,
        max(known.from_at) as youngest_at,
        count(*) filter (where known.fate = 'converted') as converted,
        count(*) filter (where known.fate = 'still_open') as still_open,
        count(*) filter (where known.is_converted_now) as converted_by_now,
        count(*) filter (where known.is_open_now) as open_by_now
    from known
    group by grouping sets ((known.as_of_no, known.pair_no, known.cohort_start), (known.as_of_no, known.pair_no))
),

measured as (
    select
        cohorts.*,
        case when totals.converted > 0 then cohorts.converted + expected.converting end as settled,
        sqrt(run.z * run.z * expected.scatter + expected.doubt_down * expected.doubt_down) as width_down,
        sqrt(run.z * run.z * expected.scatter + expected.doubt_up * expected.doubt_up) as width_up
    from cohorts
    inner join expected
        on expected.as_of_no = cohorts.as_of_no
        and expected.pair_no = cohorts.pair_no
        and expected.is_all = cohorts.is_all
        and expected.cohort_start is not distinct from cohorts.cohort_start
    inner join cohorts as totals
        on totals.as_of_no = cohorts.as_of_no
        and totals.pair_no = cohorts.pair_no
        and totals.is_all = 1
    cross join run
),

-- Outward to whole units; doubles may leave a ten-thousandth of a unit on a whole bound.
bounded as (
    select
        measured.*,
        case when measured.settled is not null then
            greatest(floor(round(measured.settled - measured.width_down, 4)), measured.converted)
        end as least_units,
        case when measured.settled is not null then
            least(ceil(round(measured.settled + measured.width_up, 4)), measured.converted + measured.still_open)
        end as most_units
    from measured
)

select
    bounded.as_of_no,
    as_ofs.as_of_at,
    as_ofs.as_of_date,
    pairs.from_stage,
    pairs.to_stage,
    case when bounded.is_all = 1 then 'all' else 'month' end as grain,
    bounded.cohort_start,
    bounded.entered,
    bounded.converted,
    bounded.still_open,
    case when bounded.settled is not null then
        greatest(least(bounded.settled, bounded.most_units), bounded.least_units) / bounded.entered
    end as estimate,
    bounded.least_units / bounded.entered as low,
    bounded.most_units / bounded.entered as high,
    bounded.converted_by_now,
    bounded.open_by_now,
    coalesce(
        epoch_us(run.as_of) - epoch_us(bounded.youngest_at) >= cast(settle_days.settle_days as bigint) * 86400000000,
        false
    ) as is_final_now
from bounded
cross join run
inner join as_ofs on as_ofs.as_of_no = bounded.as_of_no
inner join pairs on pairs.pair_no = bounded.pair_no
inner join settle_days on settle_days.unit = pairs.unit and settle_days.pair_no = pairs.pair_no
