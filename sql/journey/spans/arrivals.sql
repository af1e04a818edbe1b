-- One row per lead, cycle and stage or group that the cycle arrived at, with the time of the arrival.
-- as: view
-- column stage: key of the stage or group
with
arrivals as (from journey.arrivals_narrow),
leads as (from clean.leads),
marks as (from waterfall.marks)

select
    leads.lead_id,
    arrivals.cycle_no,
    marks.mark as stage,
    marks.is_group,
    arrivals.arrived_at,
    arrivals.arrived_date,
    arrivals.span_no,
    arrivals.lead_no
from arrivals
inner join leads on leads.lead_no = arrivals.lead_no
inner join marks on marks.mark_no = arrivals.mark_no
