-- One row per grain, period, dimension value and stage: opening + in − out = closing (V1).
-- The total has a row for every stage and period; a cut only where there is something to say.
-- key: grain, period_start, dimension, dimension_value, stage
-- not null: opening, closing, ins, outs
-- check: opening + ins - outs = closing
-- check: ins = in_new + in_advanced + in_sideways + in_regressed + in_held + in_detoured + in_exited + in_returned
-- check: outs = out_advanced + out_sideways + out_regressed + out_held + out_detoured + out_exited + out_returned + out_deleted
-- check: closing >= 0
-- column opening: leads in the stage when the period begins
-- column closing: leads in the stage when the period ends, or at as-of
-- column ins: all that came in the period
-- column outs: all that left in the period
with
stages as (
    from waterfall.stages
),

periods as (
    from waterfall.periods
),

day_periods as (
    from waterfall.day_periods
),

spans as (
    from journey.spans_narrow
),

cut_sets as (
    from journey.cut_sets
),

cuts as (
    from journey.cuts
),

moves as (
    select spans.cut_set, spans.stage_no, spans.entered_date as moved_date, 'in_' || spans.arrival_kind as move
    from spans
    union all
    select spans.cut_set, spans.stage_no, spans.exited_date, 'out_' || spans.exit_kind
    from spans
    where spans.exited_at is not null
),

-- By day first: every grain adds up days.
daily as (
    select
        moves.moved_date,
        cut_sets.cut_no,
        moves.stage_no,
        count(*) filter (where moves.move = 'in_new') as in_new,
        count(*) filter (where moves.move = 'in_advanced') as in_advanced,
        count(*) filter (where moves.move = 'in_sideways') as in_sideways,
        count(*) filter (where moves.move = 'in_regressed') as in_regressed,
        count(*) filter (where moves.move = 'in_held') as in_held,
        count(*) filter (where moves.move = 'in_detoured') as in_detoured,
        count(*) filter (where moves.move = 'in_exited') as in_exited,
        count(*) filter (where moves.move = 'in_returned') as in_returned,
        count(*) filter (where moves.move = 'out_advanced') as out_advanced,
        count(*) filter (where moves.move = 'out_sideways') as out_sideways,
        count(*) filter (where moves.move = 'out_regressed') as out_regressed,
        count(*) filter (where moves.move = 'out_held') as out_held,
        count(*) filter (where moves.move = 'out_detoured') as out_detoured,
        count(*) filter (where moves.move = 'out_exited') as out_exited,
        count(*) filter (where moves.move = 'out_returned') as out_returned,
        count(*) filter (where moves.move = 'out_deleted') as out_deleted
    from moves
    inner join cut_sets on cut_sets.cut_set = moves.cut_set
    group by moves.moved_date, cut_sets.cut_no, moves.stage_no
),

moved as (
    select
        day_periods.grain,
        day_periods.period_start,
        daily.cut_no,
        daily.stage_no,
        sum(columns(daily.* exclude (moved_date, cut_no, stage_no)))
    from daily
    inner join day_periods on day_periods.day = daily.moved_date
    group by
        day_periods.grain,
        day_periods.period_start,
        daily.cut_no,
        daily.stage_no
),

keys as (
    select daily.cut_no, daily.stage_no, min(daily.moved_date) as first_date
    from daily
    inner join cuts on cuts.cut_no = daily.cut_no and cuts.dimension <> 'all'
    group by daily.cut_no, daily.stage_no
    union all
    select cuts.cut_no, stages.stage_no, null
    from stages
    inner join cuts on cuts.dimension = 'all'
),

grid as (
    select periods.grain, periods.period_start, keys.cut_no, keys.stage_no
    from keys
    inner join periods on keys.first_date is null or periods.last_day >= keys.first_date
),

summed as (
    select
        grid.*,
        coalesce(moved.in_new, 0) as in_new,
        coalesce(moved.in_advanced, 0) as in_advanced,
        coalesce(moved.in_sideways, 0) as in_sideways,
        coalesce(moved.in_regressed, 0) as in_regressed,
        coalesce(moved.in_held, 0) as in_held,
        coalesce(moved.in_detoured, 0) as in_detoured,
        coalesce(moved.in_exited, 0) as in_exited,
        coalesce(moved.in_returned, 0) as in_returned,
        coalesce(moved.out_advanced, 0) as out_advanced,
        coalesce(moved.out_sideways, 0) as out_sideways,
        coalesce(moved.out_regressed, 0) as out_regressed,
        coalesce(moved.out_held, 0) as out_held,
        coalesce(moved.out_detoured, 0) as out_detoured,
        coalesce(moved.out_exited, 0) as out_exited,
        coalesce(moved.out_returned, 0) as out_returned,
        coalesce(moved.out_deleted, 0) as out_deleted
    from grid
    left join moved
        on moved.grain = grid.grain
        and moved.period_start is not distinct from grid.period_start
        and moved.cut_no = grid.cut_no
        and moved.stage_no = grid.stage_no
),

totalled as (
    select
        summed.*,
        summed.in_new + summed.in_advanced + summed.in_sideways + summed.in_regressed + summed.in_held
            + summed.in_detoured + summed.in_exited + summed.in_returned as ins,
        summed.out_advanced + summed.out_sideways + summed.out_regressed + summed.out_held + summed.out_detoured
            + summed.out_exited + summed.out_returned + summed.out_deleted as outs
    from summed
),

balanced as (
    select
        totalled.*,
        sum(totalled.ins - totalled.outs) over (
            partition by totalled.grain, totalled.cut_no, totalled.stage_no
            order by totalled.period_start
            rows unbounded preceding
        ) as closing
    from totalled
)

select
    balanced.grain,
    balanced.period_start,
    cuts.dimension,
    cuts.dimension_value,
    stages.stage,
    cast(balanced.closing - balanced.ins + balanced.outs as bigint) as opening,
    cast(columns('^in_') as bigint),
    cast(balanced.ins as bigint) as ins,
    cast(columns('^out_') as bigint),
    cast(balanced.outs as bigint) as outs,
    cast(balanced.closing as bigint) as closing
from balanced
inner join stages on stages.stage_no = balanced.stage_no
inner join cuts on cuts.cut_no = balanced.cut_no
where
    cuts.dimension = 'all'
    or balanced.closing <> 0
    or balanced.ins <> 0
    or balanced.outs <> 0
