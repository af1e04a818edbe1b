-- Who has leads that wait longer than agreed?
select current_owner, stage, count(*) as overdue, round(max(overdue_hours) / 24, 1) as longest_days
from stuck_leads()
where sla_state = 'open_overdue'
group by all
order by overdue desc, current_owner, stage
