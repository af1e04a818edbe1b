-- One row per path stage, and one for no stage: the accounts that stand there now (A3).
-- key: stage
-- unique: place
-- not null: label, accounts, leads, all_accounts
-- column place: the path's order; no stage last
-- column stage: key of the path stage; null = none of the account's leads is on the path now
-- column label: label of the stage
-- column accounts: accounts that stand there now
-- column leads: leads with history that these accounts have, wherever they are
-- column all_accounts: accounts with a lead that has history, wherever they stand
with
stages as (
    select stages.* from waterfall.stages where stages.kind = 'path'
),

standing as (from report.account_standing),

places as (
    select stages.stage_no, stages.stage, stages.label, stages.rank from stages
    union all
    select null, null, 'on no path stage', null
),

counted as (
    select standing.stage_no, count(*) as accounts, sum(standing.leads) as leads
    from standing
    group by standing.stage_no
),

total as (
    select count(*) as accounts from standing
)

select
    row_number() over (order by places.rank nulls last, places.stage_no) as place,
    places.stage,
    places.label,
    coalesce(counted.accounts, 0) as accounts,
    cast(coalesce(counted.leads, 0) as bigint) as leads,
    total.accounts as all_accounts
from places
cross join total
left join counted on counted.stage_no is not distinct from places.stage_no
order by place
