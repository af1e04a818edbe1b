-- Where the rank before holds one stage, the report splits arrivals as marts.stage_arrivals does.
-- severity: fail
with
path_arrivals as (
    select path_arrivals.* from report.path_arrivals as path_arrivals where path_arrivals.scope = 'all'
),

stage_arrivals as (
    select stage_arrivals.*
    from marts.stage_arrivals as stage_arrivals
    where stage_arrivals.grain = 'all' and stage_arrivals.dimension = 'all'
),

alone as (
    select path_arrivals.rank, any_value(path_arrivals.stage) as stage
    from path_arrivals
    group by path_arrivals.rank
    having count(*) = 1
)

select path_arrivals.stage
from path_arrivals
inner join alone on alone.rank = path_arrivals.rank - 1
inner join stage_arrivals
    on stage_arrivals.from_stage = alone.stage and stage_arrivals.to_stage = path_arrivals.stage
where
    stage_arrivals.through <> path_arrivals.through
    or stage_arrivals.over <> path_arrivals.over
    or stage_arrivals.entered_after <> path_arrivals.began_here
