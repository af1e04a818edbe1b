-- One row per report and account of a lead that the report counts: its leads, its current stage, and the furthest stage it ever reached (A3).
-- The same as marts.account_stages, over the stays in the report filter; an account whose leads have no history has no row.
-- unit: accounts
-- basis: leads with history; of equals the account that was numbered first
-- key: report, account_id
-- unique: report, account_no
-- not null: account_place, leads, leads_open
-- check: leads >= leads_open
-- check: furthest_no is not null or stage_no is null
-- column account_place: position among all accounts: most leads first
-- column account_name: its name, as last delivered
-- column leads: leads of the account with a stay
-- column leads_open: of these, on the path or on hold now
-- column stage_no: highest-ranked path stage that any of them is in now, or on hold from; null = none is on the path
-- column stage_label: its label
-- column furthest_no: highest-ranked path stage that any of them was ever in
-- column furthest_label: its label
with
stages as (from waterfall.stages),
accounts as (from clean.accounts),

leads as (
    select leads.* from clean.leads where leads.is_in_scope and leads.account_id is not null
),

shown_sets as (from journey.shown_sets),
spans as (from journey.spans_facts),
present_stages as (from journey.present_stages),

-- Highest rank first, then the position in the configuration, as one number: both are below 32768.
stays as (
    select
        shown_sets.report,
        leads.account_id,
        spans.lead_no,
        stages.kind,
        spans.exited_at is null as is_now,
        case when stages.kind = 'path' then cast(stages.rank as integer) * 32768 - stages.stage_no end as height,
        case when present.kind = 'path' then cast(present.rank as integer) * 32768 - present.stage_no end as height_now
    from spans
    inner join shown_sets on shown_sets.slice_set = spans.slice_set
    inner join leads on leads.lead_no = spans.lead_no
    inner join stages on stages.stage_no = spans.stage_no
    left join present_stages on present_stages.lead_no = spans.lead_no and present_stages.span_no = spans.span_no
    left join stages as present on present.stage_no = present_stages.stage_no
),

counted as (
    select
        stays.report,
        stays.account_id,
        count(distinct stays.lead_no) as leads,
        count(*) filter (where stays.is_now and stays.kind in ('path', 'hold')) as leads_open,
        max(stays.height_now) as height,
        max(stays.height) as furthest_height
    from stays
    group by stays.report, stays.account_id
)

select
    counted.report,
    row_number() over (
        partition by counted.report order by counted.leads desc, accounts.account_id
    ) as account_place,
    counted.account_id,
    accounts.name as account_name,
    counted.leads,
    counted.leads_open,
    now_in.stage_no,
    now_in.label as stage_label,
    furthest.stage_no as furthest_no,
    furthest.label as furthest_label,
    accounts.account_no
from counted
inner join accounts on accounts.account_id = counted.account_id
left join stages as now_in on cast(now_in.rank as integer) * 32768 - now_in.stage_no = counted.height
left join stages as furthest on cast(furthest.rank as integer) * 32768 - furthest.stage_no = counted.furthest_height
order by counted.report, account_place
