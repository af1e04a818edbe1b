-- One row per report and open lead, in the order in which its owner should work on it: longest overdue first, then oldest.
-- unit: leads (open stays)
-- basis: at as-of, each limit on its own clock; since: the day of the entry on the waterfall’s clock
-- denominator: none: a list
-- key: report, lead_id
-- unique: report, owner_no, lead_position
-- not null: stage, age_days
-- column owner_no: place of its current owner in report.open_by_owner
-- column lead_position: place in the owner's list
-- column current_owner: owner of the lead now; (none) = no owner is named
-- column sla_state: open_within or open_overdue; null if the stage has no SLA
-- column overdue_hours: hours past the SLA
-- column stage_label: label of the stage it waits in
-- column sla_text: SLA of that stage
with
shown_stays as (from journey.shown_stays),

open_leads as (
    select shown_stays.report, open_leads.*
    from marts.open_leads as open_leads
    inner join shown_stays on shown_stays.lead_no = open_leads.lead_no and shown_stays.span_no = open_leads.span_no
),

owners as (from report.open_by_owner),
stages as (from waterfall.stages)

select
    open_leads.report,
    owners.owner_no,
    row_number() over (
        partition by open_leads.report, owners.owner_no
        order by open_leads.overdue_hours desc nulls last, open_leads.age_days desc, open_leads.lead_id
    ) as lead_position,
    owners.current_owner,
    open_leads.lead_id,
    open_leads.account_id,
    open_leads.stage,
    stages.label as stage_label,
    stages.sla_text,
    open_leads.entered_at,
    open_leads.entered_date,
    open_leads.age_days,
    open_leads.sla_state,
    open_leads.overdue_hours
from open_leads
inner join owners
    on owners.report = open_leads.report and owners.current_owner = coalesce(open_leads.current_owner, '(none)')
inner join stages on stages.stage = open_leads.stage
order by open_leads.report, owners.owner_no, lead_position
