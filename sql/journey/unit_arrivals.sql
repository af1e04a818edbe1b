-- One row per unit (cycle, lead or account) and arrival of one of its cycles at a path stage or group.
-- key: unit, unit_id, lead_no, cycle_no, mark_no
-- accepted unit: cycle, lead, account
-- column unit_id: the cycle_id, lead_no or account_no
with
arrivals as (
    select arrivals.* from journey.arrivals_narrow as arrivals where arrivals.low_rank is not null
),

cycles as (
    from journey.cycles_narrow
),

leads as (
    from clean.leads
),

accounts as (
    from clean.accounts
)

select 'cycle' as unit, cycles.cycle_id as unit_id, arrivals.*
from arrivals
inner join cycles on cycles.lead_no = arrivals.lead_no and cycles.cycle_no = arrivals.cycle_no
union all
select 'lead', cast(arrivals.lead_no as bigint), arrivals.*
from arrivals
union all
select 'account', cast(accounts.account_no as bigint), arrivals.*
from arrivals
inner join leads on leads.lead_no = arrivals.lead_no
inner join accounts on accounts.account_id = leads.account_id
