-- One row per unit (cycle, lead or account) and arrival of one of its cycles at a path stage or group.
-- as: view
-- column unit_key: unit and its number as one number, as in journey.first_arrivals
with
arrivals as (
    select arrivals.* from journey.arrivals_facts as arrivals where arrivals.low_rank is not null
),

members as (from journey.account_members)

select
    cast(arrivals.lead_no as bigint) * 1048576 + arrivals.cycle_no as unit_key,
    arrivals.milestone_no,
    arrivals.arrived_at
from arrivals
union all
select 1152921504606846976 + arrivals.lead_no, arrivals.milestone_no, arrivals.arrived_at
from arrivals
union all
select 2305843009213693952 + members.account_no, arrivals.milestone_no, arrivals.arrived_at
from arrivals
inner join members on members.lead_no = arrivals.lead_no
