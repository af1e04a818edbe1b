-- The classes of a stage add up to the stays of marts.time_in_stage and marts.open_time_in_stage.
-- severity: fail
with
reports as (from waterfall.reports),

lengths as (
    select
        lengths.report,
        lengths.stage,
        sum(lengths.stays) filter (where lengths.basis = 'completed') as completed,
        sum(lengths.stays) filter (where lengths.basis = 'open') as still_open
    from report.stay_lengths as lengths
    group by lengths.report, lengths.stage
),

times as (
    select reports.report, times.stage, times.completed
    from marts.time_in_stage as times
    inner join reports on reports.dimension = times.dimension and reports.dimension_value = times.dimension_value
    where times.grain = 'all' and times.next_stage = 'all'
),

ages as (
    select reports.report, ages.stage, ages.still_open
    from marts.open_time_in_stage as ages
    inner join reports on reports.dimension = ages.dimension and reports.dimension_value = ages.dimension_value
)

select lengths.*
from lengths
left join times on times.report = lengths.report and times.stage = lengths.stage
left join ages on ages.report = lengths.report and ages.stage = lengths.stage
where lengths.completed <> coalesce(times.completed, 0) or lengths.still_open <> coalesce(ages.still_open, 0)
