-- One row per report, stage and recent month: how many stays ended in it and how long they had lasted (T1).
-- unit: stays (spans)
-- basis: stays that ended in the month, however long ago they began; open ones are not in it
-- denominator: stays that ended in the month
-- key: report, stage, month_start
-- not null: stage_no, month_start, is_partial, completed
-- check: (median_days is null) = (completed = 0)
-- column stage_label: label of the stage
-- column month_start: first day of the month in which the stays ended
-- column is_partial: as-of is inside the month, so its numbers will still grow
-- column completed: stays that ended in the month
-- column median_days: their median; null when none ended
with
stages as (from waterfall.stages),

months as (
    select months.* from report.months as months where months.is_recent
),

reports as (from waterfall.reports),

times as (
    select reports.report, times.*
    from marts.time_in_stage as times
    inner join reports on reports.dimension = times.dimension and reports.dimension_value = times.dimension_value
    where times.grain = 'month' and times.next_stage = 'all'
)

select
    months.report,
    stages.stage_no,
    stages.stage,
    stages.label as stage_label,
    months.month_start,
    months.is_partial,
    coalesce(times.completed, 0) as completed,
    times.median_days
from stages
cross join months
left join times
    on times.report = months.report and times.stage = stages.stage and times.period_start = months.month_start
order by months.report, stages.stage_no, months.month_start
