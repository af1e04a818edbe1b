-- How long completed spans lasted, by stage and period of exit; for the grain all, also how old the open ones are (T1, T2).
-- argument stage = 'all': one stage, or all
-- argument by = 'all': dimension to slice by
-- argument grain = 'all': length of the period of exit: day, week, month, quarter, year or all
-- example: from time_in_stage('mql', by := 'owner')
with
asked as materialized (
    select
        case when stage = 'all' then 'all' else stage_key(stage) end as stage_key,
        one_dimension("by") as dimension,
        one_grain(grain) as grain
)

select
    ended.grain,
    ended.period_start,
    ended.dimension,
    ended.dimension_value,
    ended.stage,
    ended.completed,
    ended.mean_days,
    ended.median_days,
    ended.p90_days,
    open.still_open,
    open.median_age_days,
    open.censored_median_days
from asked
inner join marts.time_in_stage as ended on ended.grain = asked.grain and ended.dimension = asked.dimension
inner join waterfall.stages as stages on stages.stage = ended.stage
left join marts.open_time_in_stage as open
    on open.stage = ended.stage
    and open.dimension = ended.dimension
    and open.dimension_value = ended.dimension_value
    and ended.grain = 'all'
where
    ended.next_stage = 'all'
    and asked.stage_key in ('all', ended.stage)
    -- As a constant, so that a query for months does not compute days (`stored:` of the mart).
    and ended.grain = grain
order by stages.stage_no, ended.period_start, ended.dimension_value
