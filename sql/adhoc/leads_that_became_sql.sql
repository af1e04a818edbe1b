-- Which leads became SQL in the last month, and how many days after they became MQL?
select
    lead_id,
    account_name,
    lead_source,
    arrived_at['mql'] as mql_at,
    arrived_at['sql'] as sql_at,
    round(date_diff('second', mql_at, sql_at) / 86400, 1) as days,
    current_stage
from marts.leads_wide
cross join waterfall.run
where arrived_at['sql'] > run.as_of - interval 1 month
order by sql_at desc, lead_id
