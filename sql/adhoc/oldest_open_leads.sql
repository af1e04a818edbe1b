-- Which leads have waited longest, and with whom?
select lead_id, stage, current_owner, round(age_days, 1) as age_days, sla_state
from stuck_leads()
limit 20
