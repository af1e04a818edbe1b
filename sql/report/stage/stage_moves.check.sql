-- The moves of a stage add up to its ins and outs in marts.stage_flow, for each kind.
-- severity: fail
with
reports as (from waterfall.reports),

moves as (
    select
        moves.report,
        moves.stage,
        moves.direction || '_' || moves.move_kind as move,
        sum(moves.moves) as moves
    from report.stage_moves as moves
    group by moves.report, moves.stage, moves.direction, moves.move_kind
),

flow as (
    select reports.report, flow.*
    from marts.stage_flow as flow
    inner join reports on reports.dimension = flow.dimension and reports.dimension_value = flow.dimension_value
    where flow.grain = 'all'
),

by_kind as (
    unpivot (select flow.report, flow.stage, columns('^(in|out)_') from flow) on columns('^(in|out)_') into name move value counted
)

select coalesce(by_kind.report, moves.report) as report, by_kind.stage, by_kind.move
from by_kind
full join moves on moves.report = by_kind.report and moves.stage = by_kind.stage and moves.move = by_kind.move
where coalesce(by_kind.counted, 0) <> coalesce(moves.moves, 0)
