-- One row per account and path stage or group that any of its leads ever arrived at: when, and how many people were known then.
-- A3: an account arrives with the first of its leads; if leads arrive at the same instant, the first by id is named.
-- A4: the depth at entry counts the leads with a stage entry up to that instant (inclusive). A lead that appears later does not change
-- it; a lead that was deleted later still counts.
-- key: account_id, stage
-- unique: account_no, milestone_no
-- not null: arrived_at, arrived_date, lead_id, depth_at_entry, leads_reached
-- check: depth_at_entry >= 1 and leads_reached >= 1
-- column stage: key of the stage or group
-- column arrived_at: moment (UTC) of the first arrival of any lead
-- column lead_id: the lead that arrived first
-- column depth_at_entry: leads of the account known at that moment
-- column leads_reached: leads of the account that arrived there by as-of
with
arrivals as (from journey.arrivals_facts),
members as (from journey.account_members),
accounts as (from clean.accounts),
leads as (from clean.leads),
milestones as (from waterfall.milestones),
entries as (from clean.entries_facts),

firsts as (
    select arrivals.* from journey.first_arrivals as arrivals where arrivals.unit = 'account'
),

reached as (
    select members.account_no, arrivals.milestone_no, count(distinct arrivals.lead_no) as leads_reached
    from arrivals
    inner join members on members.lead_no = arrivals.lead_no
    group by all
),

known as (
    select accounts.account_no, entries.lead_no, min(entries.entered_at) as known_at
    from entries
    inner join leads on leads.lead_no = entries.lead_no
    inner join accounts on accounts.account_id = leads.account_id
    group by accounts.account_no, entries.lead_no
),

depths as (
    select firsts.unit_id, firsts.milestone_no, count(*) as depth_at_entry
    from firsts
    inner join known on known.account_no = firsts.unit_id and known.known_at <= firsts.arrived_at
    group by all
)

select
    accounts.account_id,
    milestones.milestone as stage,
    milestones.is_group,
    firsts.arrived_at,
    firsts.arrived_date,
    leads.lead_id,
    depths.depth_at_entry,
    reached.leads_reached,
    accounts.account_no,
    milestones.milestone_no,
    firsts.lead_no,
    firsts.span_no
from firsts
inner join depths on depths.unit_id = firsts.unit_id and depths.milestone_no = firsts.milestone_no
inner join reached on reached.account_no = firsts.unit_id and reached.milestone_no = firsts.milestone_no
inner join accounts on accounts.account_no = firsts.unit_id
inner join leads on leads.lead_no = firsts.lead_no
inner join milestones on milestones.milestone_no = firsts.milestone_no
order by accounts.account_no, milestones.milestone_no
