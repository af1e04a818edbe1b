-- One row per grain, period, dimension value and pair: how the arrivals at B in the period came, seen from A (K7).
-- through = A was observed in the cycle; over = the cycle began below A and passed without it; entered_after = the
-- cycle began at or above A without it. The three add up to all arrivals at B.
-- key: grain, period_start, dimension, dimension_value, from_stage, to_stage
-- not null: through, over, entered_after
-- column period_start: first day of the period of the arrival at B
with
pairs as (
    from waterfall.pairs
),

marks as (
    from waterfall.marks
),

day_periods as (
    from waterfall.day_periods
),

arrivals as (
    select arrivals.* from journey.arrivals_narrow as arrivals where arrivals.low_rank is not null
),

cycles as (
    from journey.cycles_narrow
),

cut_sets as (
    from journey.cut_sets
),

cuts as (
    from journey.cuts
),

seen as (
    select
        at_b.arrived_date,
        at_b.cut_set,
        pairs.pair_no,
        case
            when at_a.lead_no is not null then 'through'
            when cycles.entry_rank < from_marks.low_rank then 'over'
            else 'entered_after'
        end as way
    from arrivals as at_b
    inner join pairs on pairs.to_mark_no = at_b.mark_no
    inner join marks as from_marks on from_marks.mark_no = pairs.from_mark_no
    inner join cycles on cycles.lead_no = at_b.lead_no and cycles.cycle_no = at_b.cycle_no
    left join arrivals as at_a
        on at_a.lead_no = at_b.lead_no and at_a.cycle_no = at_b.cycle_no and at_a.mark_no = pairs.from_mark_no
),

counted as (
    select
        day_periods.grain,
        day_periods.period_start,
        cut_sets.cut_no,
        seen.pair_no,
        count(*) filter (where seen.way = 'through') as through,
        count(*) filter (where seen.way = 'over') as over,
        count(*) filter (where seen.way = 'entered_after') as entered_after
    from seen
    inner join cut_sets on cut_sets.cut_set = seen.cut_set
    inner join day_periods on day_periods.day = seen.arrived_date
    group by
        day_periods.grain,
        day_periods.period_start,
        cut_sets.cut_no,
        seen.pair_no
)

select
    counted.grain,
    counted.period_start,
    cuts.dimension,
    cuts.dimension_value,
    pairs.from_stage,
    pairs.to_stage,
    counted.through,
    counted.over,
    counted.entered_after
from counted
inner join pairs on pairs.pair_no = counted.pair_no
inner join cuts on cuts.cut_no = counted.cut_no
