-- No lead is in a path stage above the current stage of its account.
-- severity: fail
with
account_stages as (from marts.account_stages),

spans as (
    select spans.* from journey.spans_facts as spans where spans.exited_at is null
),

stages as (
    select stages.* from waterfall.stages where stages.kind = 'path'
),

leads as (from clean.leads)

select leads.lead_id
from spans
inner join stages on stages.stage_no = spans.stage_no
inner join leads on leads.lead_no = spans.lead_no
left join account_stages on account_stages.account_id = leads.account_id
where leads.account_id is not null and stages.rank > coalesce(account_stages.rank, 0)
