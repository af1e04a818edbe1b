-- In how many accounts did an MQL of anybody lead to an SQL of anybody, by segment?
select
    dimension_value as segment,
    entered as accounts,
    converted,
    round(100 * rate, 1) as percent,
    round(100 * rate_low, 1) as low,
    round(100 * rate_high, 1) as high
from conversion('mql', 'sql', by := 'segment', grain := 'all', unit := 'account')
order by segment
