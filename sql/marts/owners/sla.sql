-- One row per grain, period of entry, dimension value and stage with an SLA: how many of its spans met the SLA (T5).
-- met + breached + open_within + open_overdue = spans that began in the period.
-- Months are counted once and added up to longer periods. Months and all time are stored; the other grains are computed on read.
-- stored: grain in ('month', 'all')
-- key: grain, period_start, dimension, dimension_value, stage
-- not null: met, breached, open_within, open_overdue, met_at_the_last_minute
-- accepted grain: day, week, month, quarter, year, all
-- check: met_at_the_last_minute <= met
-- column period_start: first day of the period in which the spans began; null for the grain all
-- column met: left in time; exactly at the SLA counts as met
-- column breached: left too late
-- column open_within: still there, within the SLA
-- column open_overdue: still there, past the SLA
-- column met_at_the_last_minute: of those met, left in the last 15 minutes before they were due
-- column met_share: met / (met + breached + open_overdue): of those decided; null without any
with
stages as (from waterfall.stages),
days as (from waterfall.days),
day_periods as (from waterfall.day_periods),
span_sla as (from journey.span_sla),
slice_members as (from journey.slice_members),
slices as (from journey.slices),

months as (
    select distinct days.month_start, day_periods.grain, day_periods.period_start
    from days
    inner join day_periods on day_periods.day = days.day and day_periods.grain in ('month', 'quarter', 'year', 'all')
),

monthly as (
    select
        days.month_start,
        slice_members.slice_no,
        span_sla.stage_no,
        span_sla.sla_state,
        span_sla.left_at_the_last_minute,
        count(*) as stays
    from span_sla
    inner join days on days.day = span_sla.entered_date
    inner join slice_members on slice_members.slice_set = span_sla.slice_set
    group by all
),

gathered as (
    select months.grain, months.period_start, monthly.* exclude (month_start)
    from monthly
    inner join months on months.month_start = monthly.month_start
    union all by name
    select
        day_periods.grain,
        day_periods.period_start,
        slice_members.slice_no,
        span_sla.stage_no,
        span_sla.sla_state,
        span_sla.left_at_the_last_minute,
        1 as stays
    from span_sla
    inner join day_periods on day_periods.day = span_sla.entered_date and day_periods.grain in ('day', 'week')
    inner join slice_members on slice_members.slice_set = span_sla.slice_set
),

counted as (
    select
        gathered.grain,
        gathered.period_start,
        gathered.slice_no,
        gathered.stage_no,
        cast(coalesce(sum(gathered.stays) filter (where gathered.sla_state = 'met'), 0) as bigint) as met,
        cast(coalesce(sum(gathered.stays) filter (where gathered.sla_state = 'breached'), 0) as bigint) as breached,
        cast(coalesce(sum(gathered.stays) filter (where gathered.sla_state = 'open_within'), 0) as bigint) as open_within,
        cast(coalesce(sum(gathered.stays) filter (where gathered.sla_state = 'open_overdue'), 0) as bigint) as open_overdue,
        cast(coalesce(sum(gathered.stays) filter (where gathered.left_at_the_last_minute), 0) as bigint)
            as met_at_the_last_minute
    from gathered
    group by gathered.grain, gathered.period_start, gathered.slice_no, gathered.stage_no
)

select
    counted.grain,
    counted.period_start,
    slices.dimension,
    slices.dimension_value,
    stages.stage,
    counted.met,
    counted.breached,
    counted.open_within,
    counted.open_overdue,
    counted.met_at_the_last_minute,
    counted.met / cast(nullif(counted.met + counted.breached + counted.open_overdue, 0) as double) as met_share
from counted
inner join stages on stages.stage_no = counted.stage_no
inner join slices on slices.slice_no = counted.slice_no
