-- One row per report: how much history the report uses, and the problems in the data of all leads.
-- key: report
-- not null: leads, entries, cycles, open_cycles, open_leads, overdue, rejected
-- column name: name of the waterfall
-- column preset: preset it started from
-- column unit: what the headline counts: cycle, lead or account
-- column timezone: zone of every date
-- column as_of: the instant (UTC) of the report; nothing later counts
-- column as_of_local: the same on the waterfall's clock
-- column as_of_date: its date
-- column first_date: date of the first kept entry
-- column leads: leads with at least one stage entry
-- column entries: stage entries kept
-- column inferred: of these, inferred from a lead's creation
-- column cycles: runs along the path
-- column open_cycles: of these, still open
-- column accounts: accounts with a lead
-- column leads_without_account: leads without a known account
-- column open_leads: leads that wait on the path or on hold
-- column overdue: of these, past the SLA of their stage
-- column rejected: rows rejected in all inputs
-- column unknown_stage: of these, because no alias matches the stage
-- column not_yet: rows after as-of
-- column history_only: leads that no input of leads delivered
-- column bare_accounts: accounts that leads name but no input of accounts delivered
-- column compared: leads in a stage whose source shows a current stage
-- column standing_elsewhere: of these, leads whose source shows another stage than their history
-- column unknown_current: of these, leads whose source shows a stage that no alias matches
-- column shared_addresses: e-mail addresses that two or more leads have
-- column sharing_leads: leads that have one of these
-- column recorded_also: rows of history whose entry another input dates by its priority
with
run as (from waterfall.run),
reports as (from waterfall.reports),
shown_stays as (from journey.shown_stays),

spans as (
    select
        shown_stays.report,
        count(*) as entries,
        count(*) filter (where shown_stays.span_no = 1) as leads
    from shown_stays
    group by shown_stays.report
),

cycles as (
    select
        shown_stays.report,
        count(*) as cycles,
        count(*) filter (where cycles.outcome = 'open') as open_cycles
    from journey.cycles_facts as cycles
    inner join shown_stays
        on shown_stays.lead_no = cycles.lead_no and shown_stays.span_no = cycles.first_span_no
    group by shown_stays.report
),

inferred as (
    select count(*) as inferred from clean.entries_facts as entries where entries.basis = 'inferred'
),

orphans as (
    select count(*) filter (where not leads.has_attributes) as history_only
    from clean.leads as leads
    where leads.lead_no in (select entries.lead_no from clean.entries_facts as entries)
),

leads as (
    select
        shown_stays.report,
        count(*) filter (where leads.account_id is null) as leads_without_account,
        count(distinct leads.account_id) as accounts
    from clean.leads as leads
    inner join shown_stays on shown_stays.lead_no = leads.lead_no and shown_stays.span_no = 1
    group by shown_stays.report
),

accounts as (
    select count(*) filter (where not accounts.has_attributes) as bare_accounts from clean.accounts as accounts
),

open_leads as (
    select
        shown_stays.report,
        count(*) as open_leads,
        count(*) filter (where open_leads.sla_state = 'open_overdue') as overdue
    from marts.open_leads as open_leads
    inner join shown_stays on shown_stays.lead_no = open_leads.lead_no and shown_stays.span_no = open_leads.span_no
    group by shown_stays.report
),

rejected as (
    select count(*) as rejected, count(*) filter (where rejected.reason = 'unknown_stage') as unknown_stage
    from quality.rejected_rows as rejected
),

accounting as (
    select coalesce(sum(accounting.after_as_of), 0) as not_yet from quality.row_accounting as accounting
),

reconciled as (
    select
        count(*) as compared,
        count(*) filter (where reconciled.outcome = 'differs') as standing_elsewhere,
        count(*) filter (where reconciled.outcome = 'unknown') as unknown_current
    from quality.stage_reconciliation as reconciled
),

shared as (
    select count(*) as shared_addresses, cast(coalesce(sum(shared.leads), 0) as bigint) as sharing_leads
    from quality.shared_addresses as shared
),

also as (
    select cast(coalesce(sum(also.rows), 0) as bigint) as recorded_also
    from quality.recorded_also as also
)

select
    reports.report,
    run.name,
    run.preset,
    run.timezone,
    run.unit,
    run.as_of,
    run.as_of_local,
    run.as_of_date,
    run.first_date,
    coalesce(spans.leads, 0) as leads,
    coalesce(spans.entries, 0) as entries,
    inferred.inferred,
    coalesce(cycles.cycles, 0) as cycles,
    coalesce(cycles.open_cycles, 0) as open_cycles,
    coalesce(leads.accounts, 0) as accounts,
    coalesce(leads.leads_without_account, 0) as leads_without_account,
    coalesce(open_leads.open_leads, 0) as open_leads,
    coalesce(open_leads.overdue, 0) as overdue,
    rejected.rejected,
    rejected.unknown_stage,
    cast(accounting.not_yet as bigint) as not_yet,
    orphans.history_only,
    accounts.bare_accounts,
    reconciled.compared,
    reconciled.standing_elsewhere,
    reconciled.unknown_current,
    shared.shared_addresses,
    shared.sharing_leads,
    also.recorded_also
from reports
cross join run
left join spans on spans.report = reports.report
cross join inferred
left join cycles on cycles.report = reports.report
cross join orphans
left join leads on leads.report = reports.report
cross join accounts
left join open_leads on open_leads.report = reports.report
cross join rejected
cross join accounting
cross join reconciled
cross join shared
cross join also
order by reports.report
