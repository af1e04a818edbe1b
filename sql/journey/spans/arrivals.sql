-- One row per lead, cycle and stage or group that the cycle arrived at, with the time of the arrival.
-- as: view
-- column stage: key of the stage or group
with
arrivals as (from journey.arrivals_facts),
leads as (from clean.leads),
milestones as (from waterfall.milestones)

select
    leads.lead_id,
    arrivals.cycle_no,
    milestones.milestone as stage,
    milestones.is_group,
    arrivals.arrived_at,
    arrivals.arrived_date,
    arrivals.span_no,
    arrivals.lead_no
from arrivals
inner join leads on leads.lead_no = arrivals.lead_no
inner join milestones on milestones.milestone_no = arrivals.milestone_no
