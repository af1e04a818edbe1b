-- One row per day and grain, with the period of that grain that contains the day.
-- key: day, grain
-- accepted grain: day, week, month, quarter, year, all
-- column day: a date of the waterfall's clock
with
days as (from waterfall.days)

select days.day, 'day' as grain, days.day as period_start
from days
union all
select days.day, 'week', days.week_start
from days
union all
select days.day, 'month', days.month_start
from days
union all
select days.day, 'quarter', days.quarter_start
from days
union all
select days.day, 'year', days.year_start
from days
union all
select days.day, 'all', cast(null as date)
from days
