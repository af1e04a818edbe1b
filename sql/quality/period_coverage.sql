-- One row per period of every grain: whether its cohorts begin before the history is complete (quality.history_coverage).
-- The history is complete from the latest of the inputs' days, because a cohort uses every input.
-- key: grain, period_start
-- not null: grain, is_before_coverage
-- check: complete_from is not null or not is_before_coverage
-- column complete_from: first day of the complete history; null = no history looks cut
-- column is_before_coverage: the period has history from before that day, so a cohort in it may lack leads or have old ones
with
periods as (from waterfall.periods),
coverage as (from quality.history_coverage),

complete as (
    select max(coverage.complete_from) as complete_from from coverage
)

select
    periods.grain,
    periods.period_start,
    complete.complete_from,
    coalesce(periods.first_day < complete.complete_from, false) as is_before_coverage
from periods
cross join complete
order by periods.grain, periods.period_start
