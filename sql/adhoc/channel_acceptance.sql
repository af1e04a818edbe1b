-- Which channel's MQLs does sales accept within 30 days, and how sure is that?
select
    dimension_value as lead_source,
    converted,
    entered,
    round(100 * rate, 1) as percent,
    round(100 * rate_low, 1) as low,
    round(100 * rate_high, 1) as high
from conversion('mql', 'sal', by := 'lead_source', grain := 'all', within_days := 30, unit := 'lead')
order by rate desc, lead_source
