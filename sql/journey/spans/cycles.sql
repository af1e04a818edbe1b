-- One row per cycle: a run of a lead along the path, until it leaves the path or moves back.
-- as: view
-- column ended_at: when the cycle ended; null while it is open
-- column entry_stage: the first path stage of the cycle
-- column furthest_stage: the highest-ranked stage that it reached
with
cycles as (from journey.cycles_facts),
leads as (from clean.leads),
stages as (from waterfall.stages)

select
    leads.lead_id,
    cycles.cycle_no,
    entry_stages.stage as entry_stage,
    cycles.started_at,
    cycles.ended_at,
    cycles.outcome,
    furthest_stages.stage as furthest_stage,
    cycles.qualified_by,
    cycles.cycle_id,
    cycles.lead_no
from cycles
inner join leads on leads.lead_no = cycles.lead_no
inner join stages as entry_stages on entry_stages.stage_no = cycles.entry_stage_no
inner join stages as furthest_stages on furthest_stages.stage_no = cycles.furthest_stage_no
