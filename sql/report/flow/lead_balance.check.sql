-- In the report of all leads no lead comes over: every lead that leaves a stage arrives in another.
-- severity: fail
with
balance as (from report.lead_balance),
report_filter as (from waterfall.report_filter)

select balance.month_start, balance.came_over
from balance
inner join report_filter on report_filter.dimension = 'all'
where balance.came_over <> 0
