-- How many of the spans that began in each period met the SLA of their stage, from marts.sla (T5).
-- argument stage = 'all': one stage, or all that have an SLA
-- argument by = 'all': dimension to slice by; owner is the owner at entry
-- argument grain = 'month': length of the period of entry: day, week, month, quarter, year or all
-- example: from sla('mql', by := 'owner', grain := 'all')
with
asked as materialized (
    select
        case when stage = 'all' then 'all' else stage_key(stage) end as stage_key,
        one_dimension("by") as dimension,
        one_grain(grain) as grain
)

select limits.*
from asked
inner join marts.sla as limits on limits.grain = asked.grain and limits.dimension = asked.dimension
inner join waterfall.stages as stages on stages.stage = limits.stage
where
    asked.stage_key in ('all', limits.stage)
    -- As a constant, so that a query for months does not compute days (`stored:` of the mart).
    and limits.grain = grain
order by stages.stage_no, limits.period_start, limits.dimension_value
