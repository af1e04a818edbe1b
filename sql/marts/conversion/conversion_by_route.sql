-- One row per grain, cohort, route and pair past qualification: how many cycles entered A by that route and what became of them.
-- A pair is past qualification if every rank of A is above the lowest stage with qualifies. The route into A is qualified if the cycle
-- arrived at such a stage before A, else direct; all is both, as in marts.conversion. Unit: cycle, window: ever (K1 to K4).
-- key: grain, cohort_start, route, from_stage, to_stage
-- not null: entered, converted, passed_over, lost, still_open, is_mature, rate, rate_low, rate_high
-- accepted grain: month, all
-- accepted route: all, qualified, direct
-- check: entered = converted + passed_over + lost + still_open
-- check: rate_low <= rate and rate <= rate_high
-- column cohort_start: first day of the month in which the cycles arrived at A; null for the grain all
-- column route: how the cycles came to A: qualified, direct, or all of them
-- column grain: length of the period: month, or all
with
run as (from waterfall.run),
pairs as (from waterfall.pairs),
milestones as (from waterfall.milestones),

stages as (
    select stages.* from waterfall.stages as stages where stages.qualifies and stages.kind = 'path'
),

settle_days as (
    select settle_days.* from marts.settle_days as settle_days where settle_days.unit = 'cycle'
),

day_periods as (
    select day_periods.* from waterfall.day_periods as day_periods where day_periods.grain in ('month', 'all')
),

cycles as (from journey.cycles_facts),

arrivals as (
    select arrivals.* from journey.arrivals_facts as arrivals where arrivals.cycle_no > 0
),

unit_pairs as (
    select unit_pairs.* from journey.unit_pairs as unit_pairs where unit_pairs.unit = 'cycle'
),

lowest as (
    select min(stages.rank) as rank from stages
),

pairs_past as (
    select pairs.pair_no, pairs.from_stage, pairs.to_stage
    from pairs
    inner join milestones on milestones.milestone_no = pairs.from_milestone_no
    inner join lowest on milestones.low_rank > lowest.rank
),

qualifications as (
    select arrivals.lead_no, arrivals.cycle_no, min(arrivals.span_no) as span_no
    from arrivals
    inner join stages on stages.stage_no = arrivals.milestone_no
    group by all
),

decided as (
    select
        unit_pairs.pair_no,
        unit_pairs.from_date,
        unit_pairs.from_at,
        case when qualifications.span_no < unit_pairs.span_no then 'qualified' else 'direct' end as route,
        unit_pairs.outcome
    from unit_pairs
    inner join pairs_past on pairs_past.pair_no = unit_pairs.pair_no
    inner join cycles on cycles.cycle_id = unit_pairs.unit_id
    left join qualifications
        on qualifications.lead_no = cycles.lead_no and qualifications.cycle_no = cycles.cycle_no
),

routed as (
    select decided.* from decided
    union all by name
    select decided.* replace ('all' as route) from decided
),

counted as (
    select
        day_periods.grain,
        day_periods.period_start as cohort_start,
        routed.route,
        routed.pair_no,
        max(routed.from_at) as youngest_at,
        count(*) as entered,
        count(*) filter (where routed.outcome = 'converted') as converted,
        count(*) filter (where routed.outcome = 'passed_over') as passed_over,
        count(*) filter (where routed.outcome = 'lost') as lost,
        count(*) filter (where routed.outcome = 'still_open') as still_open
    from routed
    inner join day_periods on day_periods.day = routed.from_date
    group by day_periods.grain, day_periods.period_start, routed.route, routed.pair_no
)

select
    counted.grain,
    counted.cohort_start,
    counted.route,
    pairs_past.from_stage,
    pairs_past.to_stage,
    counted.entered,
    counted.converted,
    counted.passed_over,
    counted.lost,
    counted.still_open,
    coalesce(
        epoch_us(run.as_of) - epoch_us(counted.youngest_at) >= cast(settle_days.settle_days as bigint) * 86400000000,
        false
    ) as is_mature,
    counted.converted / cast(counted.entered as double) as rate,
    wilson_low(counted.converted, counted.entered) as rate_low,
    wilson_high(counted.converted, counted.entered) as rate_high
from counted
cross join run
inner join pairs_past on pairs_past.pair_no = counted.pair_no
inner join settle_days on settle_days.pair_no = counted.pair_no
