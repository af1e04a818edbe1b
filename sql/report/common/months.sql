-- One row per report and month of the calendar, numbered from the newest, with the parts of the report that show it.
-- key: report, month_start
-- unique: report, month_no
-- not null: label, is_partial, is_recent, is_trend
-- column month_start: first day of the month on the waterfall's clock
-- column month_no: 1 = the month of as-of, 2 = the one before …
-- column label: the month's name in the report
-- column is_partial: as-of is inside the month, so its numbers will still grow
-- column is_recent: one of the last twelve complete months, or the partial one after them
-- column is_trend: one of the last 25 months: what a trend line shows
with
reports as (from waterfall.reports),

periods as (
    select periods.* from waterfall.periods as periods where periods.grain = 'month'
),

numbered as (
    select
        periods.*,
        row_number() over (order by periods.period_start desc) as month_no,
        count(*) filter (where not periods.is_partial) over (
            order by periods.period_start desc rows unbounded preceding
        ) as complete_no
    from periods
)

select
    reports.report,
    numbered.period_start as month_start,
    numbered.month_no,
    numbered.label,
    numbered.is_partial,
    numbered.complete_no <= 12 as is_recent,
    numbered.month_no <= 25 as is_trend
from reports
cross join numbered
order by reports.report, numbered.month_no
