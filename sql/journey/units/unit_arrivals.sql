-- One row per unit (cycle, lead or account) and arrival of one of its cycles at a path stage or group.
-- as: view
-- column unit: cycle, lead, account
-- column unit_id: the cycle_id, lead_no or account_no
-- column unit_key: both as one number, which joins and groups faster than two columns
-- column tie_no: order of arrivals at the same instant: lead (by id) and cycle
with
arrivals as (
    select arrivals.* from journey.arrivals_facts as arrivals where arrivals.low_rank is not null
),

members as (from journey.account_members)

select
    'cycle' as unit,
    cast(arrivals.lead_no as bigint) * 1048576 + arrivals.cycle_no as unit_id,
    cast(arrivals.lead_no as bigint) * 1048576 + arrivals.cycle_no as unit_key,
    cast(arrivals.cycle_no as bigint) as tie_no,
    arrivals.*
from arrivals
union all
select
    'lead',
    cast(arrivals.lead_no as bigint),
    1152921504606846976 + arrivals.lead_no,
    cast(arrivals.cycle_no as bigint),
    arrivals.*
from arrivals
union all
select
    'account',
    cast(members.account_no as bigint),
    2305843009213693952 + members.account_no,
    cast(members.member_no as bigint) * 1048576 + arrivals.cycle_no,
    arrivals.*
from arrivals
inner join members on members.lead_no = arrivals.lead_no
