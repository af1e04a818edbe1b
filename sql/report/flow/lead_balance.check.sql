-- In the report of all leads no lead comes over: every lead that leaves a stage arrives in another.
-- severity: fail
with
balance as (from report.lead_balance)

select balance.month_start, balance.came_over
from balance
where balance.report = 'all' and balance.came_over <> 0
