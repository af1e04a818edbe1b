-- The to-do list has one row per open span on the path or on hold, except in completed cycles.
-- severity: fail
with
stages as (from waterfall.stages),

spans as (
    select spans.* from journey.stage_spans as spans where spans.exited_at is null
),

cycles as (from journey.cycles),

open_time_in_stage as (
    select open_time_in_stage.*
    from marts.open_time_in_stage as open_time_in_stage
    where open_time_in_stage.dimension = 'all'
),

listed as (
    select open_leads.stage, count(*) as leads from marts.open_leads as open_leads group by open_leads.stage
),

completed as (
    select spans.stage, count(*) as leads
    from spans
    inner join cycles on cycles.lead_id = spans.lead_id and cycles.cycle_no = spans.cycle_no
    where cycles.outcome = 'completed'
    group by spans.stage
)

select stages.stage
from stages
inner join open_time_in_stage on open_time_in_stage.stage = stages.stage
left join listed on listed.stage = stages.stage
left join completed on completed.stage = stages.stage
where
    stages.kind in ('path', 'hold')
    and open_time_in_stage.still_open <> coalesce(listed.leads, 0) + coalesce(completed.leads, 0)
