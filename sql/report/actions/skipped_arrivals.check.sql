-- The list of the action skipped_stage has as many rows as the action counts.
-- severity: fail
with
actions as (
    select actions.* from report.actions as actions where actions.rule = 'skipped_stage'
),

lists as (
    select arrivals.report, count(*) as arrivals
    from report.skipped_arrivals as arrivals
    group by arrivals.report
)

select report, actions.units, lists.arrivals
from actions
full join lists using (report)
where actions.units is distinct from lists.arrivals
