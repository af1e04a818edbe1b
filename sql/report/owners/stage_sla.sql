-- One row per report, stage with an SLA and month of entry, plus all history (month null): how many of its stays met the SLA (T5).
-- unit: stays (spans)
-- basis: stays that began by as-of, by month of entry, each limit on its own clock; on the limit is in time
-- denominator: met + breached + open, overdue; stays that may still make it are left out
-- key: report, stage, month_start
-- not null: stage_no, met, breached, open_within, open_overdue
-- column month_start: first day of the month in which the stays began; null for all history
-- column stage_label: label of the stage
-- column sla_text: the SLA in words
-- column sla_clock: calendar or business
-- column is_partial: as-of is inside the month, so its numbers will still grow
-- column met: left in time
-- column breached: left too late
with
reports as (from waterfall.reports),

stages as (
    select stages.* from waterfall.stages where stages.sla_seconds is not null
),

months as (
    select months.report, months.month_start, months.is_partial from report.months as months where months.is_recent
    union all
    select reports.report, null, false from reports
),

-- One grain per scan: with two grains in one filter, DuckDB would also compute the days.
counts as (
    select reports.report, counts.*
    from marts.sla as counts
    inner join reports on reports.dimension = counts.dimension and reports.dimension_value = counts.dimension_value
    where counts.grain = 'month'
    union all
    select reports.report, counts.*
    from marts.sla as counts
    inner join reports on reports.dimension = counts.dimension and reports.dimension_value = counts.dimension_value
    where counts.grain = 'all'
)

select
    months.report,
    stages.stage_no,
    stages.stage,
    stages.label as stage_label,
    stages.sla_text,
    stages.sla_clock,
    months.month_start,
    months.is_partial,
    coalesce(counts.met, 0) as met,
    coalesce(counts.breached, 0) as breached,
    coalesce(counts.open_within, 0) as open_within,
    coalesce(counts.open_overdue, 0) as open_overdue,
    counts.met_share
from stages
cross join months
left join counts
    on counts.report = months.report
    and counts.stage = stages.stage
    and counts.period_start is not distinct from months.month_start
order by months.report, stages.stage_no, months.month_start nulls first
