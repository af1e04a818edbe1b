-- One row per report and current owner of open leads on the path or on hold; most overdue leads first.
-- unit: leads (open stays)
-- basis: on the path or on hold at as-of, the last path stage excepted; each limit on its own clock
-- key: report, current_owner
-- unique: report, owner_no
-- not null: open_leads, overdue, without_limit
-- check: overdue + without_limit <= open_leads
-- column owner_no: place in the list
-- column current_owner: owner of the lead now; (none) = no owner is named
-- column open_leads: leads that wait
-- column overdue: of these, past the SLA of their stage
-- column without_limit: of these, in a stage without an SLA
-- column median_age_days: median days in the stage
-- column oldest_age_days: days in the stage of the oldest lead
with
shown_stays as (from journey.shown_stays),

open_leads as (
    select shown_stays.report, open_leads.*
    from marts.open_leads as open_leads
    inner join shown_stays on shown_stays.lead_no = open_leads.lead_no and shown_stays.span_no = open_leads.span_no
),

counted as (
    select
        open_leads.report,
        coalesce(open_leads.current_owner, '(none)') as current_owner,
        count(*) as open_leads,
        count(*) filter (where open_leads.sla_state = 'open_overdue') as overdue,
        count(*) filter (where open_leads.sla_state is null) as without_limit,
        quantile_cont(open_leads.age_days, 0.5) as median_age_days,
        max(open_leads.age_days) as oldest_age_days
    from open_leads
    group by open_leads.report, coalesce(open_leads.current_owner, '(none)')
)

select
    counted.report,
    row_number() over (
        partition by counted.report
        order by counted.overdue desc, counted.open_leads desc, counted.current_owner
    ) as owner_no,
    counted.* exclude (report)
from counted
order by counted.report, owner_no
