-- One row per basis, path stage or group and persona: at how many of the accounts there a person with that persona is known (A5).
-- A person is known from the first stage entry. For accounts in the stage now, every person known by as-of counts; for accounts that
-- arrived, only people known at the arrival (A4).
-- key: basis, stage, persona
-- not null: accounts, accounts_with, leads
-- accepted basis: current, arrived
-- check: accounts_with <= accounts and accounts_with <= leads
-- column basis: current = accounts whose stage it is now (A3; no groups); arrived = accounts that ever arrived there
-- column stage: key of the stage or group
-- column persona: role of the person in a purchase; (none) = not known, counted as its own group
-- column accounts: accounts there, with or without such a person
-- column accounts_with: of these, with at least one such person known
-- column leads: such people known at these accounts
-- column share: accounts_with / accounts; null without accounts
with
run as (from waterfall.run),

milestones as (
    select milestones.* from waterfall.milestones where milestones.low_rank is not null
),

persona_rules as (from waterfall.persona_rules),
account_stages as (from marts.account_stages),
account_arrivals as (from marts.account_arrivals),
entries as (from clean.entries_facts),
leads as (from clean.leads),
accounts as (from clean.accounts),
lead_personas as (from journey.lead_personas),

known as (
    select accounts.account_no, entries.lead_no, lead_personas.persona, min(entries.entered_at) as known_at
    from entries
    inner join leads on leads.lead_no = entries.lead_no
    inner join accounts on accounts.account_id = leads.account_id
    inner join lead_personas on lead_personas.lead_no = entries.lead_no
    group by all
),

personas as (
    select known.persona from known
    union
    select persona_rules.persona from persona_rules
    union
    select '(none)'
),

accounts_there as (
    select 'current' as basis, milestones.milestone_no, account_stages.account_no, run.as_of as known_by
    from account_stages
    inner join milestones on milestones.milestone = account_stages.stage
    cross join run
    union all
    select 'arrived', account_arrivals.milestone_no, account_arrivals.account_no, account_arrivals.arrived_at
    from account_arrivals
),

sizes as (
    select accounts_there.basis, accounts_there.milestone_no, count(*) as accounts from accounts_there group by accounts_there.basis, accounts_there.milestone_no
),

counted as (
    select
        accounts_there.basis,
        accounts_there.milestone_no,
        known.persona,
        count(distinct accounts_there.account_no) as accounts_with,
        count(*) as leads
    from accounts_there
    inner join known on known.account_no = accounts_there.account_no and known.known_at <= accounts_there.known_by
    group by all
),

grid as (
    select 'current' as basis, milestones.milestone_no, milestones.milestone, milestones.is_group, personas.persona
    from milestones
    cross join personas
    where not milestones.is_group
    union all
    select 'arrived', milestones.milestone_no, milestones.milestone, milestones.is_group, personas.persona
    from milestones
    cross join personas
)

select
    grid.basis,
    grid.milestone as stage,
    grid.is_group,
    grid.persona,
    coalesce(sizes.accounts, 0) as accounts,
    coalesce(counted.accounts_with, 0) as accounts_with,
    coalesce(counted.leads, 0) as leads,
    coalesce(counted.accounts_with, 0) / nullif(cast(sizes.accounts as double), 0) as share,
    grid.milestone_no
from grid
left join sizes on sizes.basis = grid.basis and sizes.milestone_no = grid.milestone_no
left join counted
    on counted.basis = grid.basis and counted.milestone_no = grid.milestone_no and counted.persona = grid.persona
order by grid.basis, grid.milestone_no, grid.persona
