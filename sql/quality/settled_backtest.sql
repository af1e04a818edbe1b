-- One row per headline pair, past end of a month and monthly cohort with open units then that is final now: whether the estimate was right (K6).
-- The units are those that had arrived at A by then. Cohorts are judged by their age alone (K5): choosing cohorts without open units would
-- favour those that settled fast.
-- key: from_stage, to_stage, as_of_date, cohort_start
-- not null: headline_no, entered, converted, still_open, estimate, low, high, came, is_inside
-- check: came between 0 and 1
-- column headline_no: place of the pair among the headline pairs
-- column as_of_date: last day of the month for whose end the estimate is computed
-- column cohort_start: first day of the month in which the units arrived at A
-- column entered: units that had arrived at A by then
-- column converted: of these, those that had arrived at B by then
-- column still_open: of these, those that could still convert then
-- column estimate: the expected final rate as computed for that day
-- column low: lower bound of its 95 % interval
-- column high: upper bound of its 95 % interval
-- column came: share of entered that has arrived at B
-- column is_inside: low ≤ came ≤ high
with
pairs as (from waterfall.pairs),

estimates as (
    select estimates.*, estimates.converted_by_now / cast(estimates.entered as double) as came
    from marts.settled_estimates as estimates
    where
        estimates.as_of_no > 0
        and estimates.grain = 'month'
        and estimates.is_final_now
        and estimates.estimate is not null
)

select
    pairs.headline_no,
    estimates.from_stage,
    estimates.to_stage,
    estimates.as_of_date,
    estimates.cohort_start,
    estimates.entered,
    estimates.converted,
    estimates.still_open,
    estimates.estimate,
    estimates.low,
    estimates.high,
    estimates.came,
    estimates.came between estimates.low and estimates.high as is_inside
from estimates
inner join pairs on pairs.from_stage = estimates.from_stage and pairs.to_stage = estimates.to_stage
order by pairs.headline_no, estimates.as_of_date, estimates.cohort_start
