-- One row per stage with an SLA and month of entry, plus all history (month null): how many of its stays met the SLA (T5).
-- key: stage, month_start
-- not null: stage_no, met, breached, open_within, open_overdue
-- column month_start: first day of the month in which the stays began; null for all history
-- column stage_label: label of the stage
-- column sla_text: the SLA in words
-- column sla_clock: calendar or business
-- column is_partial: as-of is inside the month, so its numbers will still grow
-- column met: left in time
-- column breached: left too late
with
stages as (
    select stages.* from waterfall.stages where stages.sla_seconds is not null
),

months as (
    select months.month_start, months.is_partial from report.months as months where months.is_recent
    union all
    select null, false
),

report_filter as (from waterfall.report_filter),

-- One grain per scan: with two grains in one filter, DuckDB would also compute the days.
counts as (
    select counts.*
    from marts.sla as counts
    inner join report_filter
        on report_filter.dimension = counts.dimension and report_filter.dimension_value = counts.dimension_value
    where counts.grain = 'month'
    union all
    select counts.*
    from marts.sla as counts
    inner join report_filter
        on report_filter.dimension = counts.dimension and report_filter.dimension_value = counts.dimension_value
    where counts.grain = 'all'
)

select
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
left join counts on counts.stage = stages.stage and counts.period_start is not distinct from months.month_start
order by stages.stage_no, months.month_start nulls first
