-- One row per account with at least one lead in scope: its current stage and the furthest stage it ever reached (A3).
-- The account is in the highest-ranked path stage that any of its leads is in now, so it falls back when that lead leaves. A lead on
-- hold counts in the path stage before the hold, so a customer on hold is still a customer. Of parallel stages, the first one in the
-- configuration is named.
-- key: account_id
-- unique: account_no
-- not null: leads, leads_with_history, leads_open, is_won
-- check: leads >= leads_with_history and leads_with_history >= leads_open
-- check: (stage is null) = (rank is null) and (stage is null) = (stage_since is null)
-- check: (furthest_stage is null) = (first_arrived_at is null)
-- check: rank <= furthest_rank and stage_since >= first_arrived_at
-- column stage: key of the highest-ranked path stage that any of its leads is in now; null = none is on the path
-- column rank: rank of that stage
-- column stage_since: entry (UTC) of the lead that has been in that stage longest, its time on hold included
-- column leads_in_stage: leads that are in that stage now, or on hold from it
-- column leads: leads in scope
-- column leads_with_history: of these, with at least one stage entry
-- column leads_open: of these, on the path or on hold now
-- column furthest_stage: key of the highest-ranked path stage that any lead ever arrived at
-- column furthest_rank: rank of that stage
-- column first_arrived_at: moment (UTC) of the first arrival of any lead at any path stage
-- column is_won: one of its leads has completed the path at least once
with
leads as (
    select leads.lead_no, leads.account_id from clean.leads where leads.is_in_scope and leads.account_id is not null
),

accounts as (from clean.accounts),
spans as (from journey.spans_facts),
present_stages as (from journey.present_stages),
cycles as (from journey.cycles_facts),
stages as (from waterfall.stages),

-- Highest rank first, then the position in the configuration, as one number: both are below 32768.
ranked as (
    select
        leads.account_id,
        spans.lead_no,
        spans.entered_at,
        spans.exited_at is null as is_now,
        stages.kind,
        case when stages.kind = 'path' then cast(stages.rank as integer) * 32768 - stages.stage_no end as height
    from spans
    inner join leads on leads.lead_no = spans.lead_no
    inner join stages on stages.stage_no = spans.stage_no
),

counted as (
    select
        ranked.account_id,
        count(distinct ranked.lead_no) as leads_with_history,
        count(*) filter (where ranked.is_now and ranked.kind in ('path', 'hold')) as leads_open,
        max(ranked.height) as furthest_height,
        min(ranked.entered_at) filter (where ranked.kind = 'path') as first_arrived_at
    from ranked
    group by ranked.account_id
),

present as (
    select
        leads.account_id,
        cast(stages.rank as integer) * 32768 - stages.stage_no as height,
        min(present_stages.since_at) as stage_since,
        count(*) as leads_in_stage
    from present_stages
    inner join leads on leads.lead_no = present_stages.lead_no
    inner join stages on stages.stage_no = present_stages.stage_no and stages.kind = 'path'
    group by all
),

leads_there as (
    select present.*
    from present
    qualify row_number() over (partition by present.account_id order by present.height desc) = 1
),

won_accounts as (
    select distinct leads.account_id
    from cycles
    inner join leads on leads.lead_no = cycles.lead_no
    where cycles.outcome = 'completed'
),

account_leads as (
    select leads.account_id, count(*) as leads from leads group by leads.account_id
)

select
    accounts.account_id,
    now_in.stage,
    now_in.rank,
    leads_there.stage_since,
    coalesce(leads_there.leads_in_stage, 0) as leads_in_stage,
    account_leads.leads,
    coalesce(counted.leads_with_history, 0) as leads_with_history,
    coalesce(counted.leads_open, 0) as leads_open,
    furthest.stage as furthest_stage,
    furthest.rank as furthest_rank,
    counted.first_arrived_at,
    won_accounts.account_id is not null as is_won,
    accounts.account_no
from account_leads
inner join accounts on accounts.account_id = account_leads.account_id
left join counted on counted.account_id = account_leads.account_id
left join leads_there on leads_there.account_id = account_leads.account_id
left join won_accounts on won_accounts.account_id = account_leads.account_id
left join stages as now_in on cast(now_in.rank as integer) * 32768 - now_in.stage_no = leads_there.height
left join stages as furthest on cast(furthest.rank as integer) * 32768 - furthest.stage_no = counted.furthest_height
order by accounts.account_no
