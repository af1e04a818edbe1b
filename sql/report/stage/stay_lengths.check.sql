-- The classes of a stage add up to the stays of marts.time_in_stage and marts.open_time_in_stage.
-- severity: fail
with
report_filter as (from waterfall.report_filter),

lengths as (
    select
        lengths.stage,
        sum(lengths.stays) filter (where lengths.basis = 'completed') as completed,
        sum(lengths.stays) filter (where lengths.basis = 'open') as still_open
    from report.stay_lengths as lengths
    group by lengths.stage
),

times as (
    select times.stage, times.completed
    from marts.time_in_stage as times
    inner join report_filter
        on report_filter.dimension = times.dimension and report_filter.dimension_value = times.dimension_value
    where times.grain = 'all' and times.next_stage = 'all'
),

ages as (
    select ages.stage, ages.still_open
    from marts.open_time_in_stage as ages
    inner join report_filter
        on report_filter.dimension = ages.dimension and report_filter.dimension_value = ages.dimension_value
)

select lengths.*
from lengths
left join times on times.stage = lengths.stage
left join ages on ages.stage = lengths.stage
where lengths.completed <> coalesce(times.completed, 0) or lengths.still_open <> coalesce(ages.still_open, 0)
