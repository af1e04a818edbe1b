-- One row per way in which leads were matched to an account, or reason why not (A2), over leads in scope with history.
-- unit: leads
-- basis: leads in scope with a history; e-mails, websites and accounts as last delivered
-- denominator: all these leads
-- key: outcome
-- unique: outcome_no
-- not null: leads, share
-- accepted outcome: input, email_domain, website, ambiguous, unknown_domain, never_match, disposable, free_mail, no_domain, not_tried
-- column outcome_no: position in the list; outcomes with an account come first
-- column outcome: input, email_domain, website: how the account was matched. ambiguous: the domain belongs to several accounts; unknown_domain: to none; never_match: listed in [accounts]; disposable and free_mail: a mailbox without a company; no_domain: the lead has none; not_tried: matching is off, or no account has a domain
-- column has_account: whether such leads have an account
-- column leads: leads; each has one outcome
-- column share: of all these leads
with
leads as (from clean.leads),
lead_accounts as (from clean.lead_accounts),
entries as (from clean.entries_facts),

counted as (
    select lead_accounts.outcome, count(*) as leads
    from leads
    inner join lead_accounts on lead_accounts.lead_no = leads.lead_no
    where leads.lead_no in (select entries.lead_no from entries)
    group by lead_accounts.outcome
)

select
    cast(
        list_position(
            [
                'input', 'email_domain', 'website', 'ambiguous', 'unknown_domain', 'never_match', 'disposable', 'free_mail',
                'no_domain', 'not_tried'
            ],
            counted.outcome
        ) as smallint
    ) as outcome_no,
    counted.outcome,
    counted.outcome in ('input', 'email_domain', 'website') as has_account,
    counted.leads,
    counted.leads / sum(counted.leads) over () as share
from counted
