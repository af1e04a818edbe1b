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
milestones as (from waterfall.milestones),
days as (from waterfall.days),
day_periods as (from waterfall.day_periods),

arrivals as (
    select arrivals.* from journey.arrivals_facts as arrivals where arrivals.low_rank is not null
),

cycles as (from journey.cycles_facts),
slice_members as (from journey.slice_members),
slices as (from journey.slices),

months as (
    select distinct days.month_start, day_periods.grain, day_periods.period_start
    from days
    inner join day_periods on day_periods.day = days.day and day_periods.grain in ('month', 'quarter', 'year', 'all')
),

milestone_lists as (
    select arrivals.lead_no, arrivals.cycle_no, list_sort(list(arrivals.milestone_no)) as milestone_nos
    from arrivals
    group by arrivals.lead_no, arrivals.cycle_no
),

shaped as (
    select
        milestone_lists.lead_no,
        milestone_lists.cycle_no,
        milestone_lists.milestone_nos,
        cycles.entry_rank,
        hash(milestone_lists.milestone_nos, cycles.entry_rank) as shape
    from milestone_lists
    inner join cycles on cycles.lead_no = milestone_lists.lead_no and cycles.cycle_no = milestone_lists.cycle_no
),

shapes as (
    select shaped.shape, any_value(shaped.milestone_nos) as milestone_nos, any_value(shaped.entry_rank) as entry_rank
    from shaped
    group by shaped.shape
),

arrived as (
    select arrivals.arrived_date, arrivals.slice_set, arrivals.milestone_no, shaped.shape
    from arrivals
    inner join shaped on shaped.lead_no = arrivals.lead_no and shaped.cycle_no = arrivals.cycle_no
),

monthly as (
    select days.month_start, slice_members.slice_no, arrived.milestone_no, arrived.shape, count(*) as arrivals
    from arrived
    inner join days on days.day = arrived.arrived_date
    inner join slice_members on slice_members.slice_set = arrived.slice_set
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
        slice_members.slice_no,
        arrived.milestone_no,
        arrived.shape,
        1 as arrivals
    from arrived
    inner join day_periods on day_periods.day = arrived.arrived_date and day_periods.grain in ('day', 'week')
    inner join slice_members on slice_members.slice_set = arrived.slice_set
),

pair_routes as (
    select
        shapes.shape,
        pairs.to_milestone_no as milestone_no,
        pairs.pair_no,
        case
            when list_contains(shapes.milestone_nos, pairs.from_milestone_no) then 'through'
            when shapes.entry_rank < from_milestones.low_rank then 'over'
            else 'entered_after'
        end as route
    from shapes
    inner join pairs on list_contains(shapes.milestone_nos, pairs.to_milestone_no)
    inner join milestones as from_milestones on from_milestones.milestone_no = pairs.from_milestone_no
),

counted as (
    select
        gathered.grain,
        gathered.period_start,
        gathered.slice_no,
        pair_routes.pair_no,
        cast(coalesce(sum(gathered.arrivals) filter (where pair_routes.route = 'through'), 0) as bigint) as through,
        cast(coalesce(sum(gathered.arrivals) filter (where pair_routes.route = 'over'), 0) as bigint) as over,
        cast(coalesce(sum(gathered.arrivals) filter (where pair_routes.route = 'entered_after'), 0) as bigint) as entered_after
    from gathered
    inner join pair_routes on pair_routes.shape = gathered.shape and pair_routes.milestone_no = gathered.milestone_no
    group by gathered.grain, gathered.period_start, gathered.slice_no, pair_routes.pair_no
)

select
    counted.grain,
    counted.period_start,
    slices.dimension,
    slices.dimension_value,
    pairs.from_stage,
    pairs.to_stage,
    counted.through,
    counted.over,
    counted.entered_after
from counted
inner join pairs on pairs.pair_no = counted.pair_no
inner join slices on slices.slice_no = counted.slice_no
