-- What came into a stage and what left it in each period, from marts.stage_flow: opening + ins - outs = closing (V1).
-- argument stage = 'all': one stage, or all
-- argument grain = 'month': day, week, month, quarter, year or all
-- argument by = 'all': dimension to slice by
-- example: from flow('mql', grain := 'quarter')
with
asked as materialized (
    select
        case when stage = 'all' then 'all' else stage_key(stage) end as stage_key,
        one_grain(grain) as grain,
        one_dimension("by") as dimension
)

select flows.*
from asked
inner join marts.stage_flow as flows on flows.grain = asked.grain and flows.dimension = asked.dimension
inner join waterfall.stages as stages on stages.stage = flows.stage
where
    asked.stage_key in ('all', flows.stage)
    -- As a constant, so that a query for months does not compute days (`stored:` of the mart).
    and flows.grain = grain
order by flows.period_start, stages.stage_no, flows.dimension_value
