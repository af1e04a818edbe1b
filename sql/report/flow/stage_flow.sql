-- One row per report, stage and recent month, and one for all history: opening + in − out = closing (V1).
-- unit: leads
-- basis: moves by the day they happened; opening + in − out = closing, and closing is the next opening
-- key: report, stage, month_start
-- not null: opening, ins, outs, closing
-- check: opening + ins - outs = closing
-- column month_start: first day of the month; null = all history
-- column label: the month's name, or all history
-- column stage_label: the stage's label
-- column is_partial: as-of is inside the month
-- column is_balanced: opening + ins − outs = closing
with
reports as (from waterfall.reports),
stages as (from waterfall.stages),

months as (
    select months.report, months.month_start, months.label, months.is_partial
    from report.months as months
    where months.is_recent
    union all
    select reports.report, null, 'all history', false from reports
),

-- One grain per scan: with two grains in one filter, DuckDB would also compute the days.
flow as (
    select reports.report, flow.*
    from marts.stage_flow as flow
    inner join reports on reports.dimension = flow.dimension and reports.dimension_value = flow.dimension_value
    where flow.grain = 'month'
    union all
    select reports.report, flow.*
    from marts.stage_flow as flow
    inner join reports on reports.dimension = flow.dimension and reports.dimension_value = flow.dimension_value
    where flow.grain = 'all'
)

select
    months.report,
    stages.stage_no,
    stages.stage,
    stages.label as stage_label,
    months.month_start,
    months.label,
    months.is_partial,
    -- A slice has no row if all its counts are 0.
    coalesce(columns(flow.* exclude (report, grain, period_start, dimension, dimension_value, stage)), 0),
    coalesce(flow.opening + flow.ins - flow.outs = flow.closing, true) as is_balanced
from stages
cross join months
left join flow
    on flow.report = months.report and flow.stage = stages.stage and flow.period_start is not distinct from months.month_start
order by months.report, stages.stage_no, months.month_start nulls first
