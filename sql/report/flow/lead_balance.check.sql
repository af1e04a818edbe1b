-- In the report of all leads no lead comes over: every lead that leaves a stage arrives in another.
-- severity: fail
with
balance as (from report.lead_balance),
shown_cut as (from waterfall.shown_cut)

select balance.month_start, balance.came_over
from balance
inner join shown_cut on shown_cut.dimension = 'all'
where balance.came_over <> 0
