-- The to-do list has one lead for each open stay that marts.open_time_in_stage counts.
-- severity: fail
with
stages as (
    from waterfall.stages
),

open_time_in_stage as (
    select open_time_in_stage.*
    from marts.open_time_in_stage as open_time_in_stage
    where open_time_in_stage.dimension = 'all'
),

listed as (
    select open_leads.stage, count(*) as leads from marts.open_leads as open_leads group by open_leads.stage
)

select stages.stage
from stages
inner join open_time_in_stage on open_time_in_stage.stage = stages.stage
left join listed on listed.stage = stages.stage
where
    (stages.kind = 'hold' or (stages.kind = 'path' and not stages.is_last))
    and open_time_in_stage.still_open <> coalesce(listed.leads, 0)
