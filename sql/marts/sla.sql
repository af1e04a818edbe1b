-- One row per grain, period of entry, dimension value and stage with a limit: how its stays stand against it (T5).
-- met + breached + open_within + open_overdue = stays that began in the period.
-- key: grain, period_start, dimension, dimension_value, stage
-- not null: met, breached, open_within, open_overdue, met_at_the_last_minute
-- accepted grain: day, week, month, quarter, year, all
-- check: met_at_the_last_minute <= met
-- column period_start: first day of the period in which the stays began; null for the grain all
-- column met: left in time; on the limit counts
-- column breached: left too late
-- column open_within: still there, within the limit
-- column open_overdue: still there, past the limit
-- column met_at_the_last_minute: of those met, left in the last 15 minutes before they were due
-- column met_share: met / (met + breached + open_overdue): of those decided; null without any
with
stages as (
    from waterfall.stages
),

day_periods as (
    from waterfall.day_periods
),

span_sla as (
    from journey.span_sla
),

cut_sets as (
    from journey.cut_sets
),

cuts as (
    from journey.cuts
),

counted as (
    select
        day_periods.grain,
        day_periods.period_start,
        cut_sets.cut_no,
        span_sla.stage_no,
        count(*) filter (where span_sla.sla_state = 'met') as met,
        count(*) filter (where span_sla.sla_state = 'breached') as breached,
        count(*) filter (where span_sla.sla_state = 'open_within') as open_within,
        count(*) filter (where span_sla.sla_state = 'open_overdue') as open_overdue,
        count(*) filter (where span_sla.left_at_the_last_minute) as met_at_the_last_minute
    from span_sla
    inner join cut_sets on cut_sets.cut_set = span_sla.cut_set
    inner join day_periods on day_periods.day = span_sla.entered_date
    group by day_periods.grain, day_periods.period_start, cut_sets.cut_no, span_sla.stage_no
)

select
    counted.grain,
    counted.period_start,
    cuts.dimension,
    cuts.dimension_value,
    stages.stage,
    counted.met,
    counted.breached,
    counted.open_within,
    counted.open_overdue,
    counted.met_at_the_last_minute,
    counted.met / cast(nullif(counted.met + counted.breached + counted.open_overdue, 0) as double) as met_share
from counted
inner join stages on stages.stage_no = counted.stage_no
inner join cuts on cuts.cut_no = counted.cut_no
