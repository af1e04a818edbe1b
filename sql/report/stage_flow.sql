-- One row per stage and recent month, and one for all history: opening + in − out = closing (V1).
-- key: stage, month_start
-- not null: opening, ins, outs, closing
-- check: opening + ins - outs = closing
-- column month_start: first day of the month; null = all history
-- column label: the month's name, or all history
-- column stage_label: the stage's label
-- column is_partial: as-of lies inside the month
-- column is_balanced: opening + ins − outs = closing
with
stages as (
    from waterfall.stages
),

months as (
    select months.* from report.months as months where months.is_recent
),

flow as (
    select flow.* from marts.stage_flow as flow where flow.dimension = 'all' and flow.grain in ('month', 'all')
)

select
    stages.stage_no,
    stages.stage,
    stages.label as stage_label,
    months.month_start,
    coalesce(months.label, 'all history') as label,
    coalesce(months.is_partial, false) as is_partial,
    flow.* exclude (grain, period_start, dimension, dimension_value, stage),
    flow.opening + flow.ins - flow.outs = flow.closing as is_balanced
from flow
inner join stages on stages.stage = flow.stage
left join months on months.month_start = flow.period_start
where flow.grain = 'all' or months.month_start is not null
order by stages.stage_no, months.month_start nulls first
