-- The open leads of an owner or in a stage, longest first, with the days in the stage and past the SLA (marts.open_leads).
-- argument owner = null: only those of this current owner, in any case of letters
-- argument stage = null: only those in this stage
-- argument min_days = 0: only those with at least this many days in their stage
-- example: from stuck_leads(stage := 'mql', min_days := 30)
with
asked as materialized (
    select
        lower(trim(owner)) as owner_wanted,
        case when stage is not null then stage_key(stage) end as stage_wanted,
        min_days as days_wanted
)

select
    leads.lead_id,
    leads.account_id,
    leads.stage,
    leads.current_owner,
    leads.entered_at,
    leads.age_days,
    leads.sla_state,
    leads.overdue_hours
from asked
inner join marts.open_leads as leads
    on leads.age_days >= asked.days_wanted
    and (asked.owner_wanted is null or lower(trim(leads.current_owner)) = asked.owner_wanted)
    and (asked.stage_wanted is null or leads.stage = asked.stage_wanted)
order by leads.age_days desc, leads.lead_id
