-- One row per cycle and path stage that it skipped: the arrival that the next stage above implies. It is not an arrival (E9).
-- Filled only with implied = true, and read only by report.implied_comparison. The cycle began below the stage, arrived above it and was
-- in no stage of its rank. A rank with parallel stages implies no arrival, because it is not known which stage was skipped.
-- key: lead_id, cycle_no, stage
-- not null: implied_at, basis, implied_by, cycle_id, stage_no
-- accepted basis: implied
-- check: days_in_stage is null
-- column stage: key of the stage that was skipped
-- column implied_at: moment (UTC) of the first arrival above the stage
-- column basis: implied: no row of history records it
-- column implied_by: the stage of that arrival
-- column implied_by_span_no: number of the span that began with it
-- column days_in_stage: always null: the lead was not there
with
run as (from waterfall.run),

stages as (
    select stages.* from waterfall.stages as stages where stages.kind = 'path'
),

cycles as (from journey.cycles_facts),

arrivals as (
    select arrivals.* from journey.arrivals_facts as arrivals where arrivals.low_rank is not null and not arrivals.is_group
),

leads as (from clean.leads),

single_stages as (
    select stages.* from stages qualify count(*) over (partition by stages.rank) = 1
),

-- Ranks only rise within a cycle, so the first span above is the first arrival above.
followed as (
    select
        cycles.cycle_id,
        cycles.lead_no,
        cycles.cycle_no,
        single_stages.stage_no,
        single_stages.stage,
        bool_or(arrivals.low_rank = single_stages.rank) as was_there,
        min(arrivals.arrived_at) filter (where arrivals.low_rank > single_stages.rank) as implied_at,
        arg_min(arrivals.stage_no, arrivals.span_no) filter (where arrivals.low_rank > single_stages.rank) as implied_by_no,
        min(arrivals.span_no) filter (where arrivals.low_rank > single_stages.rank) as implied_by_span_no
    from cycles
    inner join run on run.implied
    inner join single_stages on single_stages.rank > cycles.entry_rank
    inner join arrivals on arrivals.lead_no = cycles.lead_no and arrivals.cycle_no = cycles.cycle_no
    group by all
)

select
    leads.lead_id,
    followed.cycle_no,
    followed.stage,
    followed.implied_at,
    'implied' as basis,
    stages.stage as implied_by,
    cast(null as double) as days_in_stage,
    followed.cycle_id,
    followed.stage_no,
    followed.implied_by_span_no
from followed
inner join leads on leads.lead_no = followed.lead_no
inner join stages on stages.stage_no = followed.implied_by_no
where not followed.was_there and followed.implied_at is not null
