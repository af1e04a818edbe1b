-- One row per report and stage: how long completed stays lasted and, separately, how old the open ones are (T1, T2).
-- unit: stays (spans)
-- basis: all history; a day has 86,400 s; completed and open stays are never averaged together
-- denominator: completed stays; open stays; median of all: both
-- key: report, stage
-- unique: report, stage_no
-- not null: completed, still_open
-- column kind: path, hold, detour or exit
-- column completed: stays that ended, in all history
-- column mean_days: mean of the completed stays
-- column median_days: their median
-- column p90_days: their 90th percentile
-- column still_open: stays open at as-of
-- column median_age_days: median age of the open stays
-- column p90_age_days: their 90th percentile
-- column censored_median_days: median of all stays, open ones counted as lasting at least until as-of
with
stages as (from waterfall.stages),
reports as (from waterfall.reports),

times as (
    select reports.report, times.*
    from marts.time_in_stage as times
    inner join reports on reports.dimension = times.dimension and reports.dimension_value = times.dimension_value
    where times.grain = 'all' and times.next_stage = 'all'
),

ages as (
    select reports.report, ages.*
    from marts.open_time_in_stage as ages
    inner join reports on reports.dimension = ages.dimension and reports.dimension_value = ages.dimension_value
)

select
    reports.report,
    stages.stage_no,
    stages.stage,
    stages.label,
    stages.kind,
    coalesce(times.completed, 0) as completed,
    times.mean_days,
    times.median_days,
    times.p90_days,
    coalesce(ages.still_open, 0) as still_open,
    ages.median_age_days,
    ages.p90_age_days,
    ages.censored_median_days
from reports
cross join stages
left join times on times.report = reports.report and times.stage = stages.stage
left join ages on ages.report = reports.report and ages.stage = stages.stage
order by reports.report, stages.stage_no
