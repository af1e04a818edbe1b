-- One row per grain, period, dimension value and stage: opening + in − out = closing (V1).
-- The total has a row for every stage and period; a slice has only rows with a count that is not 0.
-- Months are counted once and added up to longer periods. Months and all time are stored; the other grains are computed on read.
-- stored: grain in ('month', 'all')
-- key: grain, period_start, dimension, dimension_value, stage
-- not null: opening, closing, ins, outs
-- check: opening + ins - outs = closing
-- check: ins = in_new + in_restored + in_advanced + in_sideways + in_regressed + in_held + in_detoured + in_exited + in_returned
-- check: outs = out_advanced + out_sideways + out_regressed + out_held + out_detoured + out_exited + out_returned + out_deleted
-- check: closing >= 0
-- column opening: leads in the stage when the period begins
-- column closing: leads in the stage when the period ends, or at as-of
-- column ins: all that came in the period
-- column outs: all that left in the period
with
stages as (from waterfall.stages),
periods as (from waterfall.periods),
days as (from waterfall.days),
day_periods as (from waterfall.day_periods),
spans as (from journey.spans_facts),
slice_members as (from journey.slice_members),
slices as (from journey.slices),

months as (
    select distinct days.month_start, day_periods.grain, day_periods.period_start
    from days
    inner join day_periods on day_periods.day = days.day and day_periods.grain in ('month', 'quarter', 'year', 'all')
),

moves as (
    select spans.slice_set, spans.stage_no, spans.entered_date as moved_date, 'in_' || spans.arrival_kind as move
    from spans
    union all
    select spans.slice_set, spans.stage_no, spans.exited_date, 'out_' || spans.exit_kind
    from spans
    where spans.exited_at is not null
),

monthly as (
    select days.month_start, slice_members.slice_no, moves.stage_no, moves.move, count(*) as leads
    from moves
    inner join days on days.day = moves.moved_date
    inner join slice_members on slice_members.slice_set = moves.slice_set
    group by all
),

moved as (
    select months.grain, months.period_start, monthly.* exclude (month_start)
    from monthly
    inner join months on months.month_start = monthly.month_start
    union all by name
    select
        day_periods.grain,
        day_periods.period_start,
        slice_members.slice_no,
        moves.stage_no,
        moves.move,
        count(*) as leads
    from moves
    inner join day_periods on day_periods.day = moves.moved_date and day_periods.grain in ('day', 'week')
    inner join slice_members on slice_members.slice_set = moves.slice_set
    group by all
),

keys as (
    select distinct slice_members.slice_no, set_stages.stage_no
    from (select distinct spans.slice_set, spans.stage_no from spans) as set_stages
    inner join slice_members on slice_members.slice_set = set_stages.slice_set
    union
    select slices.slice_no, stages.stage_no
    from stages
    inner join slices on slices.dimension = 'all'
),

-- Combined by grouping, not by a join: a filter on the grain passes through a group, not through this join.
combined as (
    select moved.* from moved
    union all by name
    select periods.grain, periods.period_start, keys.slice_no, keys.stage_no
    from keys
    cross join periods
),

summed as (
    select
        combined.grain,
        combined.period_start,
        combined.slice_no,
        combined.stage_no,
        coalesce(sum(combined.leads) filter (where combined.move = 'in_new'), 0) as in_new,
        coalesce(sum(combined.leads) filter (where combined.move = 'in_restored'), 0) as in_restored,
        coalesce(sum(combined.leads) filter (where combined.move = 'in_advanced'), 0) as in_advanced,
        coalesce(sum(combined.leads) filter (where combined.move = 'in_sideways'), 0) as in_sideways,
        coalesce(sum(combined.leads) filter (where combined.move = 'in_regressed'), 0) as in_regressed,
        coalesce(sum(combined.leads) filter (where combined.move = 'in_held'), 0) as in_held,
        coalesce(sum(combined.leads) filter (where combined.move = 'in_detoured'), 0) as in_detoured,
        coalesce(sum(combined.leads) filter (where combined.move = 'in_exited'), 0) as in_exited,
        coalesce(sum(combined.leads) filter (where combined.move = 'in_returned'), 0) as in_returned,
        coalesce(sum(combined.leads) filter (where combined.move = 'out_advanced'), 0) as out_advanced,
        coalesce(sum(combined.leads) filter (where combined.move = 'out_sideways'), 0) as out_sideways,
        coalesce(sum(combined.leads) filter (where combined.move = 'out_regressed'), 0) as out_regressed,
        coalesce(sum(combined.leads) filter (where combined.move = 'out_held'), 0) as out_held,
        coalesce(sum(combined.leads) filter (where combined.move = 'out_detoured'), 0) as out_detoured,
        coalesce(sum(combined.leads) filter (where combined.move = 'out_exited'), 0) as out_exited,
        coalesce(sum(combined.leads) filter (where combined.move = 'out_returned'), 0) as out_returned,
        coalesce(sum(combined.leads) filter (where combined.move = 'out_deleted'), 0) as out_deleted
    from combined
    group by combined.grain, combined.period_start, combined.slice_no, combined.stage_no
),

totalled as (
    select
        summed.*,
        summed.in_new + summed.in_restored + summed.in_advanced + summed.in_sideways + summed.in_regressed + summed.in_held
            + summed.in_detoured + summed.in_exited + summed.in_returned as ins,
        summed.out_advanced + summed.out_sideways + summed.out_regressed + summed.out_held + summed.out_detoured
            + summed.out_exited + summed.out_returned + summed.out_deleted as outs
    from summed
),

balanced as (
    select
        totalled.*,
        sum(totalled.ins - totalled.outs) over (
            partition by totalled.grain, totalled.slice_no, totalled.stage_no
            order by totalled.period_start
            rows unbounded preceding
        ) as closing
    from totalled
)

select
    balanced.grain,
    balanced.period_start,
    slices.dimension,
    slices.dimension_value,
    stages.stage,
    cast(balanced.closing - balanced.ins + balanced.outs as bigint) as opening,
    cast(columns('^in_') as bigint),
    cast(balanced.ins as bigint) as ins,
    cast(columns('^out_') as bigint),
    cast(balanced.outs as bigint) as outs,
    cast(balanced.closing as bigint) as closing
from balanced
inner join stages on stages.stage_no = balanced.stage_no
inner join slices on slices.slice_no = balanced.slice_no
where
    slices.dimension = 'all'
    or balanced.closing <> 0
    or balanced.ins <> 0
    or balanced.outs <> 0
