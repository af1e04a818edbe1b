-- The slices of a dimension add up to the total: opening, in, out and closing.
-- severity: fail
with
stage_flow as (
    select stage_flow.* from marts.stage_flow where stage_flow.grain in ('month', 'all')
),

dimensions as (from waterfall.dimensions),

summed as (
    select
        stage_flow.grain,
        stage_flow.period_start,
        stage_flow.stage,
        stage_flow.dimension,
        sum(stage_flow.opening) as opening,
        sum(stage_flow.ins) as ins,
        sum(stage_flow.outs) as outs,
        sum(stage_flow.closing) as closing
    from stage_flow
    group by
        stage_flow.grain,
        stage_flow.period_start,
        stage_flow.stage,
        stage_flow.dimension
)

-- A dimension without any row has no sum to compare, so the number of dimensions is compared, too.
select summed.grain, summed.period_start, summed.stage
from summed
group by summed.grain, summed.period_start, summed.stage
having
    min(summed.opening) <> max(summed.opening)
    or min(summed.ins) <> max(summed.ins)
    or min(summed.outs) <> max(summed.outs)
    or min(summed.closing) <> max(summed.closing)
    or (count(*) < (select count(*) from dimensions) and max(summed.opening + summed.ins) > 0)
