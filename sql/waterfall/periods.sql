-- One row per period of every grain, from the period of the first kept entry to that of as-of.
-- A fiscal year has the number of the calendar year in which it ends.
-- key: grain, period_start
-- not null: grain, label, first_day, last_day, is_partial
-- column period_end: first day after the period; null for the grain all
-- column label: the period's name in a report
-- column first_day: first day of the period that has history
-- column last_day: last day of the period up to as-of
-- column is_partial: as-of is inside the period, so its numbers will still grow
with
run as (from waterfall.run),
day_periods as (from waterfall.day_periods),

spanned as (
    select
        day_periods.grain,
        day_periods.period_start,
        min(day_periods.day) as first_day,
        max(day_periods.day) as last_day
    from day_periods
    group by all
),

ended as (
    select
        spanned.*,
        cast(
            case spanned.grain
                when 'day' then spanned.period_start + interval 1 day
                when 'week' then spanned.period_start + interval 7 days
                when 'month' then spanned.period_start + interval 1 month
                when 'quarter' then spanned.period_start + interval 3 months
                when 'year' then spanned.period_start + interval 1 year
            end as date
        ) as period_end
    from spanned
)

select
    ended.grain,
    ended.period_start,
    ended.period_end,
    case ended.grain
        when 'day' then strftime(ended.period_start, '%Y-%m-%d')
        when 'week' then 'week of ' || strftime(ended.period_start, '%Y-%m-%d')
        when 'month' then strftime(ended.period_start, '%b %Y')
        when 'quarter' then
            case when run.fiscal_year_start = 1 then '' else 'FY' end
            || cast(year(ended.period_start + to_months(cast((13 - run.fiscal_year_start) % 12 as integer))) as varchar)
            || ' Q'
            || cast(
                1 + ((month(ended.period_start) - run.fiscal_year_start + 12) % 12) // 3 as varchar
            )
        when 'year' then
            case when run.fiscal_year_start = 1 then '' else 'FY' end
            || cast(year(ended.period_end - interval 1 day) as varchar)
        else 'all time'
    end as label,
    ended.first_day,
    ended.last_day,
    coalesce(run.as_of_local < ended.period_end - interval 1 second, false) as is_partial
from ended
cross join run
order by ended.grain, ended.period_start
