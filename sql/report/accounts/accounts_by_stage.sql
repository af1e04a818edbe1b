-- One row per report and path stage, and one for no stage: the accounts whose current stage it is (A3).
-- unit: accounts
-- basis: the highest-ranked path stage that any of its leads is in at as-of; a lead on hold is in none
-- denominator: accounts with a lead that has history
-- key: report, stage
-- unique: report, place
-- not null: label, accounts, leads, all_accounts
-- column place: order of the path; no stage last
-- column stage: key of the path stage; null = none of the account's leads is on the path now
-- column label: label of the stage
-- column accounts: accounts whose current stage it is
-- column leads: leads of these accounts with history, in any stage
-- column all_accounts: accounts with a lead that has history, in any stage
with
reports as (from waterfall.reports),

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
    select standing.report, standing.stage_no, count(*) as accounts, sum(standing.leads) as leads
    from standing
    group by standing.report, standing.stage_no
),

total as (
    select reports.report, count(standing.account_id) as accounts
    from reports
    left join standing on standing.report = reports.report
    group by reports.report
)

select
    total.report,
    row_number() over (partition by total.report order by places.rank nulls last, places.stage_no) as place,
    places.stage,
    places.label,
    coalesce(counted.accounts, 0) as accounts,
    cast(coalesce(counted.leads, 0) as bigint) as leads,
    total.accounts as all_accounts
from places
cross join total
left join counted on counted.report = total.report and counted.stage_no is not distinct from places.stage_no
order by total.report, place
