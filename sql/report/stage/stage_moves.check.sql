-- The moves of a stage add up to its ins and outs in marts.stage_flow, for each kind.
-- severity: fail
with
report_filter as (from waterfall.report_filter),

moves as (
    select
        moves.stage,
        moves.direction || '_' || moves.move_kind as move,
        sum(moves.moves) as moves
    from report.stage_moves as moves
    group by moves.stage, moves.direction, moves.move_kind
),

flow as (
    select flow.*
    from marts.stage_flow as flow
    inner join report_filter
        on report_filter.dimension = flow.dimension and report_filter.dimension_value = flow.dimension_value
    where flow.grain = 'all'
),

by_kind as (
    unpivot (select flow.stage, columns('^(in|out)_') from flow) on columns('^(in|out)_') into name move value counted
)

select by_kind.stage, by_kind.move
from by_kind
full join moves on moves.stage = by_kind.stage and moves.move = by_kind.move
where coalesce(by_kind.counted, 0) <> coalesce(moves.moves, 0)
