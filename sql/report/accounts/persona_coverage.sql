-- One row per report, basis, path stage or group and persona: at how many accounts such a person is known; (none) last.
-- unit: accounts
-- basis: people with any stage entry by as-of, or by the account’s first arrival; later leads change nothing earlier
-- denominator: accounts (the number after “of”), with at least one such person
-- key: report, basis, stage, persona
-- unique: report, basis, milestone_no, persona_no
-- not null: persona_no, stage_label, accounts, accounts_with
-- column report: always all, the report of all leads
-- column persona_no: 1 = known at the largest number of accounts, added up over the stages that they arrived at
-- column stage_label: label of the stage or group
-- column basis: current = accounts in the stage now; arrived = accounts that ever arrived, and who was known then
-- column stage: key of the stage or group
-- column persona: role of the person in a purchase; (none) = not known
-- column accounts: accounts there
-- column accounts_with: of these, with at least one such person known
-- column leads: such people known at these accounts
-- column share: accounts_with / accounts
with
reports as (from waterfall.reports),

-- The mart has no slices.
coverage as (
    select reports.report, coverage.*
    from marts.persona_coverage as coverage
    inner join reports on reports.dimension = 'all'
),

milestones as (from waterfall.milestones),

sizes as (
    select
        coverage.report,
        coverage.persona,
        row_number() over (
            partition by coverage.report
            order by coverage.persona = '(none)', sum(coverage.accounts_with) desc, coverage.persona
        ) as persona_no
    from coverage
    where coverage.basis = 'arrived' and not coverage.is_group
    group by coverage.report, coverage.persona
)

select
    coverage.report,
    coverage.basis,
    coverage.milestone_no,
    coverage.stage,
    milestones.label as stage_label,
    coverage.is_group,
    sizes.persona_no,
    coverage.persona,
    coverage.accounts,
    coverage.accounts_with,
    coverage.leads,
    coverage.share
from coverage
inner join sizes on sizes.report = coverage.report and sizes.persona = coverage.persona
inner join milestones on milestones.milestone_no = coverage.milestone_no
order by coverage.report, coverage.basis desc, sizes.persona_no, coverage.milestone_no
