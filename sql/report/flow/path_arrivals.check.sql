-- If the rank before has one stage, the report splits arrivals as marts.stage_arrivals does.
-- severity: fail
with
path_arrivals as (
    select path_arrivals.* from report.path_arrivals as path_arrivals where path_arrivals.scope = 'all'
),

reports as (from waterfall.reports),

stage_arrivals as (
    select reports.report, stage_arrivals.*
    from marts.stage_arrivals as stage_arrivals
    inner join reports on reports.dimension = stage_arrivals.dimension and reports.dimension_value = stage_arrivals.dimension_value
    where stage_arrivals.grain = 'all'
),

single_stages as (
    select path_arrivals.report, path_arrivals.rank, any_value(path_arrivals.stage) as stage
    from path_arrivals
    group by path_arrivals.report, path_arrivals.rank
    having count(*) = 1
)

select path_arrivals.report, path_arrivals.stage
from path_arrivals
inner join single_stages on single_stages.report = path_arrivals.report and single_stages.rank = path_arrivals.rank - 1
left join stage_arrivals
    on stage_arrivals.report = path_arrivals.report
    and stage_arrivals.from_stage = single_stages.stage
    and stage_arrivals.to_stage = path_arrivals.stage
where
    coalesce(stage_arrivals.through, 0) <> path_arrivals.through
    or coalesce(stage_arrivals.over, 0) <> path_arrivals.over
    or coalesce(stage_arrivals.entered_after, 0) <> path_arrivals.began_here
