-- One row per report and stage: leads in it now, moves in the last complete month and the month before, time in stage, and overdue leads.
-- unit: leads; of the next stage: headline units
-- basis: moves of the last complete month, and below of the month before it; conversion of final cohorts, window: ever
-- denominator: conversion: the number after “of”; median: stays that ended in the month
-- key: report, stage
-- unique: report, stage_no
-- not null: now
-- check: outs is null or closing is not null
-- check: next_converted <= next_entered
-- column stage_label: the stage's label
-- column kind: path, hold, detour or exit
-- column now: leads in the stage at as-of
-- column month_start: first day of the last complete month; null while no month is complete
-- column ins: all that came in during that month
-- column outs: all that left during that month
-- column closing: leads in the stage at its end
-- column before_start: first day of the month before; null while there is none
-- column ins_before: all that came in during the month before
-- column outs_before: all that left during the month before
-- column closing_before: leads in the stage at the end of the month before
-- column completed: stays that ended in that month
-- column median_days: their median length
-- column completed_before: stays that ended in the month before
-- column median_days_before: their median length
-- column next_label: label of the only stage of the next rank; null if there is none, or several
-- column next_entered: of the mature monthly cohorts, the units that arrived at the stage
-- column next_converted: of these, those that arrived at the next one
-- column next_rate: next_converted / next_entered
-- column overdue: leads in the stage past its SLA at as-of; null without an SLA
with
reports as (from waterfall.reports),
stages as (from waterfall.stages),

months as (
    select
        months.*,
        row_number() over (partition by months.report order by months.month_start desc) as complete_no
    from report.months as months
    where not months.is_partial
),

flow as (from report.stage_flow),

times as (
    select reports.report, times.*
    from marts.time_in_stage as times
    inner join reports on reports.dimension = times.dimension and reports.dimension_value = times.dimension_value
    where times.grain = 'month' and times.next_stage = 'all'
),

limits as (
    select limits.* from report.stage_sla as limits where limits.month_start is null
),

neighbours as (
    select pairs_shown.* from report.pairs_shown as pairs_shown where pairs_shown.is_neighbour
),

rates as (
    select summary.*
    from report.conversion_summary as summary
    where summary.cohorts = 'mature' and summary.window_days is null and summary.dimension = 'all'
),

next_stages as (
    select
        neighbours.report,
        neighbours.from_stage as stage,
        min(neighbours.to_label) as next_label,
        min(rates.entered) as next_entered,
        min(rates.converted) as next_converted,
        min(rates.rate) as next_rate
    from neighbours
    left join rates on rates.report = neighbours.report and rates.pair_no = neighbours.pair_no
    group by neighbours.report, neighbours.from_stage
    having count(*) = 1
)

select
    reports.report,
    stages.stage_no,
    stages.stage,
    stages.label as stage_label,
    stages.kind,
    coalesce(everything.closing, 0) as now,
    lately.month_start,
    flow_lately.ins,
    flow_lately.outs,
    flow_lately.closing,
    before.month_start as before_start,
    flow_before.ins as ins_before,
    flow_before.outs as outs_before,
    flow_before.closing as closing_before,
    case when lately.month_start is not null then coalesce(times_lately.completed, 0) end as completed,
    times_lately.median_days,
    case when before.month_start is not null then coalesce(times_before.completed, 0) end as completed_before,
    times_before.median_days as median_days_before,
    next_stages.next_label,
    next_stages.next_entered,
    next_stages.next_converted,
    next_stages.next_rate,
    limits.open_overdue as overdue
from reports
cross join stages
left join flow as everything
    on everything.report = reports.report and everything.stage = stages.stage and everything.month_start is null
left join months as lately on lately.report = reports.report and lately.complete_no = 1
left join months as before on before.report = reports.report and before.complete_no = 2
left join flow as flow_lately
    on flow_lately.report = reports.report
    and flow_lately.stage = stages.stage
    and flow_lately.month_start = lately.month_start
left join flow as flow_before
    on flow_before.report = reports.report
    and flow_before.stage = stages.stage
    and flow_before.month_start = before.month_start
left join times as times_lately
    on times_lately.report = reports.report
    and times_lately.stage = stages.stage
    and times_lately.period_start = lately.month_start
left join times as times_before
    on times_before.report = reports.report
    and times_before.stage = stages.stage
    and times_before.period_start = before.month_start
left join next_stages on next_stages.report = reports.report and next_stages.stage = stages.stage
left join limits on limits.report = reports.report and limits.stage = stages.stage
order by reports.report, stages.stage_no
