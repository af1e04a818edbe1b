-- The owners of a stage add up to the stays of marts.sla and to the open leads of the to-do list.
-- severity: fail
with
owners as (
    select
        by_owner.report,
        by_owner.stage,
        sum(by_owner.met) as met,
        sum(by_owner.breached) as breached,
        sum(by_owner.open_within) as open_within,
        sum(by_owner.open_overdue) as open_overdue,
        sum(by_owner.now_within + by_owner.now_overdue) as waiting
    from report.sla_by_owner as by_owner
    group by by_owner.report, by_owner.stage
),

reports as (from waterfall.reports),
shown_stays as (from journey.shown_stays),

counts as (
    select reports.report, counts.*
    from marts.sla as counts
    inner join reports on reports.dimension = counts.dimension and reports.dimension_value = counts.dimension_value
    where counts.grain = 'all'
),

waiting as (
    select shown_stays.report, open_leads.stage, count(*) as leads
    from marts.open_leads as open_leads
    inner join shown_stays on shown_stays.lead_no = open_leads.lead_no and shown_stays.span_no = open_leads.span_no
    where open_leads.sla_state is not null
    group by shown_stays.report, open_leads.stage
)

select owners.*
from owners
full join counts on counts.report = owners.report and counts.stage = owners.stage
left join waiting on waiting.report = owners.report and waiting.stage = owners.stage
where owners.met is distinct from counts.met
    or owners.breached is distinct from counts.breached
    or owners.open_within is distinct from counts.open_within
    or owners.open_overdue is distinct from counts.open_overdue
    or owners.waiting is distinct from coalesce(waiting.leads, 0)
