-- One row per report, headline pair and cohort with open units: the counts so far, and the expected final rate (K6).
-- key: report, headline_no, grain, month_start
-- not null: from_stage, to_stage, entered, converted, still_open, known_share
-- accepted grain: month, all
-- check: low <= estimate and estimate <= high and known_share <= low
-- column report: always all, the report of all leads
-- column headline_no: place of the pair among the headline pairs
-- column grain: month, or all: every cohort together
-- column month_start: first day of the month in which the units arrived at A; null for the grain all
-- column known_share: converted / entered: it can only rise
-- column estimate: share of entered expected to have converted when no unit is open; null while no unit has ever converted
-- column low: lower bound of its 95 % interval
-- column high: upper bound of its 95 % interval
with
pairs as (from waterfall.pairs),
reports as (from waterfall.reports),

-- The mart has no slices.
estimates as (
    select reports.report, estimates.*
    from marts.settled_estimates as estimates
    inner join reports on reports.dimension = 'all'
    where estimates.as_of_no = 0
)

select
    estimates.report,
    pairs.headline_no,
    estimates.from_stage,
    estimates.to_stage,
    estimates.grain,
    estimates.cohort_start as month_start,
    estimates.entered,
    estimates.converted,
    estimates.still_open,
    estimates.converted / cast(estimates.entered as double) as known_share,
    estimates.estimate,
    estimates.low,
    estimates.high
from estimates
inner join pairs on pairs.from_stage = estimates.from_stage and pairs.to_stage = estimates.to_stage
order by estimates.report, pairs.headline_no, estimates.grain, estimates.cohort_start
