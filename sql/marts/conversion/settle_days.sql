-- One row per unit and pair: after how many days a cohort is final if no window limits it (K5).
-- The days are configured, or taken from the curve of K6: the first age at which it has reached 95 % of its value at the last age with at
-- least 20 units at risk, rounded up to a round number so that it rarely changes. Ages are whole days, completed since A. The curve is
-- Aalen and Johansen's (1978, Scand J Statist 5: 141-150) over all cohorts; passed over and lost compete, and a unit that is still open
-- counts up to its age at as-of.
-- key: unit, from_stage, to_stage
-- not null: converted
-- accepted unit: cycle, lead, account
-- check: settle_days > 0
-- check: source = 'configuration' or (settle_days is null) = (converted < 50)
-- check: rest_day <= last_day
-- column settle_days: age in days at which a cohort is final without a window; null = not known yet, so none is final
-- column source: configuration, or curve; null while fewer than 50 units have converted
-- column converted: units that arrived at B so far
-- column rest_day: the age at which the curve has reached 95 % of its value at last_day
-- column last_day: the last age with at least 20 units at risk
with
run as (from waterfall.run),
pairs as (from waterfall.pairs),
firsts as (from journey.first_arrivals),
outcomes as (from journey.unit_outcomes),

units as (
    select unnest(['cycle', 'lead', 'account']) as unit
),

-- Round numbers of days, and whole years beyond them.
round_days as (
    select unnest(list_concat([7, 14, 21, 30, 45, 60, 90, 120, 180, 270], range(365, 36500, 365))) as days
    union
    select 540
),

entered as (
    select
        firsts.unit,
        firsts.milestone_no,
        (epoch_us(coalesce(firsts.closed_at, run.as_of)) - epoch_us(firsts.arrived_at)) // 86400000000 as age_days,
        firsts.closed_at is not null as is_closed,
        count(*) as units
    from firsts
    cross join run
    group by all
),

-- A unit that reached B or a stage above it leaves at the age at which it did, and not at the end of its time.
leaving as (
    select
        outcomes.unit,
        outcomes.pair_no,
        coalesce(outcomes.us_to_convert, outcomes.us_to_pass) // 86400000000 as age_days,
        count(*) as leaving,
        count(outcomes.us_to_convert) as converted,
        count(*) as ended
    from outcomes
    group by all
    union all
    select outcomes.unit, outcomes.pair_no, outcomes.end_days, -count(*), 0, -count(*) filter (where outcomes.is_closed)
    from outcomes
    group by all
    union all
    select
        entered.unit,
        pairs.pair_no,
        entered.age_days,
        entered.units,
        0,
        case when entered.is_closed then entered.units else 0 end
    from entered
    inner join pairs on pairs.from_milestone_no = entered.milestone_no
),

by_age as (
    select
        leaving.unit,
        leaving.pair_no,
        leaving.age_days,
        cast(sum(leaving.leaving) as bigint) as leaving,
        cast(sum(leaving.converted) as bigint) as converted,
        cast(sum(leaving.ended) as bigint) as ended
    from leaving
    group by all
    having sum(leaving.leaving) > 0
),

at_risk as (
    select
        by_age.*,
        sum(by_age.converted) over (partition by by_age.unit, by_age.pair_no) as converted_in_all,
        sum(cast(by_age.leaving as double)) over (
            partition by by_age.unit, by_age.pair_no order by by_age.age_days desc rows unbounded preceding
        ) as n
    from by_age
),

-- Logarithms and shares are added as whole numbers of 10⁻³⁰, so that a sum is the same in any order.
survival as (
    select
        at_risk.*,
        exp(coalesce(
            sum(cast(ln(nullif(1 - at_risk.ended / at_risk.n, 0)) * 1e30 as hugeint)) over (
                partition by at_risk.unit, at_risk.pair_no
                order by at_risk.age_days
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) / 1e30) as share_before
    from at_risk
    where at_risk.converted_in_all >= 50
),

incidence as (
    select
        survival.*,
        sum(cast(survival.share_before * survival.converted / survival.n * 1e30 as hugeint)) over (
            partition by survival.unit, survival.pair_no order by survival.age_days rows unbounded preceding
        ) / 1e30 as converted_share
    from survival
),

-- The curve never falls, so its greatest value with 20 units at risk is that at the last such age.
ends as (
    select
        incidence.unit,
        incidence.pair_no,
        max(incidence.age_days) as last_day,
        max(incidence.converted_share) as share_at_last_day
    from incidence
    where incidence.n >= 20
    group by all
),

-- If the curve is exactly at 95 %, doubles may be smaller by a billionth.
rest_days as (
    select ends.unit, ends.pair_no, ends.last_day, min(incidence.age_days) as rest_day
    from ends
    inner join incidence on incidence.unit = ends.unit and incidence.pair_no = ends.pair_no
    where incidence.converted_share >= ends.share_at_last_day * 0.95 * (1 - 1e-9)
    group by all
),

counted as (
    select by_age.unit, by_age.pair_no, cast(sum(by_age.converted) as bigint) as converted
    from by_age
    group by by_age.unit, by_age.pair_no
),

rounded as (
    select rest_days.unit, rest_days.pair_no, min(round_days.days) as days
    from rest_days
    inner join round_days on round_days.days >= rest_days.rest_day
    group by all
)

select
    units.unit,
    pairs.from_stage,
    pairs.to_stage,
    pairs.pair_no,
    cast(coalesce(pairs.settle_days, rounded.days) as integer) as settle_days,
    case
        when pairs.settle_days is not null then 'configuration'
        when rounded.days is not null then 'curve'
    end as source,
    coalesce(counted.converted, 0) as converted,
    cast(rest_days.rest_day as integer) as rest_day,
    cast(rest_days.last_day as integer) as last_day
from units
cross join pairs
left join counted on counted.unit = units.unit and counted.pair_no = pairs.pair_no
left join rest_days on rest_days.unit = units.unit and rest_days.pair_no = pairs.pair_no
left join rounded on rounded.unit = units.unit and rounded.pair_no = pairs.pair_no
order by units.unit, pairs.pair_no
