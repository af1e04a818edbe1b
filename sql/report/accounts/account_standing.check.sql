-- In the report of all leads, every account has the stage of marts.account_stages.
-- severity: fail
with
standing as (
    select standing.* from report.account_standing as standing where standing.report = 'all'
),

stages as (from waterfall.stages),

mart as (
    select mart.* from marts.account_stages as mart where mart.leads_with_history > 0
)

select coalesce(mart.account_no, standing.account_no) as account_no
from mart
full join standing on standing.account_id = mart.account_id
left join stages as now_in on now_in.stage = mart.stage
left join stages as furthest on furthest.stage = mart.furthest_stage
where
    now_in.stage_no is distinct from standing.stage_no
    or furthest.stage_no is distinct from standing.furthest_no
    or mart.leads_with_history is distinct from standing.leads
    or mart.leads_open is distinct from standing.leads_open
