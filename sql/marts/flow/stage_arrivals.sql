-- One row per grain, period, dimension value and pair: how the arrivals at B in the period came, seen from A (K7).
-- through = A was observed in the cycle; over = the cycle began below A and passed without it; entered_after = the
-- cycle began at or above A without it. The three add up to all arrivals at B.
-- Arrivals at B are counted by the set of stages and groups that the cycle arrived at, and pairs are looked up once per set.
-- Months are counted once and added up to longer periods. Months and all time are stored; the other grains are computed on read.
-- stored: grain in ('month', 'all')
-- key: grain, period_start, dimension, dimension_value, from_stage, to_stage
-- not null: through, over, entered_after
-- column period_start: first day of the period of the arrival at B
with
pairs as (from waterfall.pairs),
marks as (from waterfall.marks),
days as (from waterfall.days),
day_periods as (from waterfall.day_periods),

arrivals as (
    select arrivals.* from journey.arrivals_narrow as arrivals where arrivals.low_rank is not null
),

cycles as (from journey.cycles_narrow),
cut_sets as (from journey.cut_sets),
cuts as (from journey.cuts),

months as (
    select distinct days.month_start, day_periods.grain, day_periods.period_start
    from days
    inner join day_periods on day_periods.day = days.day and day_periods.grain in ('month', 'quarter', 'year', 'all')
),

mark_lists as (
    select arrivals.lead_no, arrivals.cycle_no, list_sort(list(arrivals.mark_no)) as mark_nos
    from arrivals
    group by arrivals.lead_no, arrivals.cycle_no
),

shaped as (
    select
        mark_lists.lead_no,
        mark_lists.cycle_no,
        mark_lists.mark_nos,
        cycles.entry_rank,
        hash(mark_lists.mark_nos, cycles.entry_rank) as shape
    from mark_lists
    inner join cycles on cycles.lead_no = mark_lists.lead_no and cycles.cycle_no = mark_lists.cycle_no
),

shapes as (
    select shaped.shape, any_value(shaped.mark_nos) as mark_nos, any_value(shaped.entry_rank) as entry_rank
    from shaped
    group by shaped.shape
),

arrived as (
    select arrivals.arrived_date, arrivals.cut_set, arrivals.mark_no, shaped.shape
    from arrivals
    inner join shaped on shaped.lead_no = arrivals.lead_no and shaped.cycle_no = arrivals.cycle_no
),

monthly as (
    select days.month_start, cut_sets.cut_no, arrived.mark_no, arrived.shape, count(*) as arrivals
    from arrived
    inner join days on days.day = arrived.arrived_date
    inner join cut_sets on cut_sets.cut_set = arrived.cut_set
    group by all
),

gathered as (
    select months.grain, months.period_start, monthly.* exclude (month_start)
    from monthly
    inner join months on months.month_start = monthly.month_start
    union all by name
    select
        day_periods.grain,
        day_periods.period_start,
        cut_sets.cut_no,
        arrived.mark_no,
        arrived.shape,
        1 as arrivals
    from arrived
    inner join day_periods on day_periods.day = arrived.arrived_date and day_periods.grain in ('day', 'week')
    inner join cut_sets on cut_sets.cut_set = arrived.cut_set
),

pair_routes as (
    select
        shapes.shape,
        pairs.to_mark_no as mark_no,
        pairs.pair_no,
        case
            when list_contains(shapes.mark_nos, pairs.from_mark_no) then 'through'
            when shapes.entry_rank < from_marks.low_rank then 'over'
            else 'entered_after'
        end as route
    from shapes
    inner join pairs on list_contains(shapes.mark_nos, pairs.to_mark_no)
    inner join marks as from_marks on from_marks.mark_no = pairs.from_mark_no
),

counted as (
    select
        gathered.grain,
        gathered.period_start,
        gathered.cut_no,
        pair_routes.pair_no,
        cast(coalesce(sum(gathered.arrivals) filter (where pair_routes.route = 'through'), 0) as bigint) as through,
        cast(coalesce(sum(gathered.arrivals) filter (where pair_routes.route = 'over'), 0) as bigint) as over,
        cast(coalesce(sum(gathered.arrivals) filter (where pair_routes.route = 'entered_after'), 0) as bigint) as entered_after
    from gathered
    inner join pair_routes on pair_routes.shape = gathered.shape and pair_routes.mark_no = gathered.mark_no
    group by gathered.grain, gathered.period_start, gathered.cut_no, pair_routes.pair_no
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
