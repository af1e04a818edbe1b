-- Which combination of channel and segment converts best from MQL to SQL within 90 days?
select
    dimension_values['lead_source'] as lead_source,
    dimension_values['segment'] as segment,
    converted,
    entered,
    round(100 * rate, 1) as percent,
    round(100 * rate_low, 1) as low,
    round(100 * rate_high, 1) as high
from conversion('mql', 'sql', by := ['lead_source', 'segment'], grain := 'all', within_days := 90)
where entered >= 20
order by rate desc, lead_source, segment
