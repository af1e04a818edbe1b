-- How many leads that went to nurture became MQL again, and how long did that take?
select stage, reached, round(100 * rate, 1) as percent, round(median_days, 1) as median_days
from funnel_steps(['mql', 'nurture', 'mql'])
order by step_no
