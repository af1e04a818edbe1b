-- One row per report, headline pair and month: how the cycles that arrived at B in the month came, seen from A (K7).
-- through = A was observed in the cycle; over = the cycle began below A and passed without it; entered_after = the cycle
-- began at or above A without it. Unit: cycle, basis: arrivals at B; no cohort.
-- unit: cycles
-- basis: arrivals at the second stage of the pair in the month, whenever the cycle began: no cohort
-- denominator: arrivals in the month
-- key: report, headline_no, month_start
-- not null: is_partial, is_shown, arrivals, through, over, entered_after
-- check: arrivals = through + over + entered_after
-- column headline_no: place of the pair among the headline pairs
-- column month_start: first day of the month of the arrival at B
-- column is_partial: as-of is inside the month
-- column is_shown: one of the last twelve complete months, or the partial one after them
-- column arrivals: cycles that arrived at B in the month
with
pairs_shown as (
    select pairs_shown.* from report.pairs_shown as pairs_shown where pairs_shown.is_headline
),

months as (from report.months),
reports as (from waterfall.reports),

stage_arrivals as (
    select reports.report, stage_arrivals.*
    from marts.stage_arrivals as stage_arrivals
    inner join reports on reports.dimension = stage_arrivals.dimension and reports.dimension_value = stage_arrivals.dimension_value
    where stage_arrivals.grain = 'month'
)

select
    pairs_shown.report,
    pairs_shown.headline_no,
    months.month_start,
    months.is_partial,
    months.is_recent as is_shown,
    coalesce(stage_arrivals.through + stage_arrivals.over + stage_arrivals.entered_after, 0) as arrivals,
    coalesce(stage_arrivals.through, 0) as through,
    coalesce(stage_arrivals.over, 0) as over,
    coalesce(stage_arrivals.entered_after, 0) as entered_after
from pairs_shown
inner join months on months.report = pairs_shown.report
left join stage_arrivals
    on stage_arrivals.report = pairs_shown.report
    and stage_arrivals.from_stage = pairs_shown.from_stage
    and stage_arrivals.to_stage = pairs_shown.to_stage
    and stage_arrivals.period_start = months.month_start
order by pairs_shown.report, pairs_shown.headline_no, months.month_start
