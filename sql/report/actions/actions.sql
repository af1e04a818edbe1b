-- One row per report and rule that fires: what somebody should do now, most urgent first. The index shows the first three.
-- overdue_owner: one owner has clearly more than half of the overdue leads (lower bound of the share above 50 %), at least ten.
-- overdue_leads: otherwise, if at least ten leads are overdue, clearly more than a quarter of those with an SLA.
-- weak_value: the value of a dimension with most missed conversions among those significantly below the others (report.value_differences).
-- skipped_stage: clearly more than a tenth of the arrivals at the stage after A of a headline pair, in twelve months, came without A's rank.
-- no_account: clearly more than a fifth of the leads have no account, although accounts are delivered.
-- unit: leads; of a rate: headline units
-- basis: each rule compares with a fixed limit; the comment of the table names all rules
-- denominator: the number after “of”
-- key: report, rule
-- unique: report, action_no
-- not null: units, of_units, share
-- accepted rule: overdue_owner, overdue_leads, weak_value, skipped_stage, no_account
-- check: units <= of_units and of_units >= 10
-- column action_no: place in the list: most urgent first
-- column rule: name of the rule that fired
-- column headline_no: the headline pair that it is about; null = none
-- column stage: the stage that it is about: of an owner, where most of the overdue leads wait
-- column stage_label: its label
-- column previous_label: skipped_stage: labels of the stages of the rank before
-- column dimension: weak_value: the dimension
-- column dimension_value: weak_value: its value
-- column current_owner: overdue_owner: the owner
-- column first_month: first month of the units
-- column last_month: last month of the units
-- column units: overdue leads of the owner; overdue leads; conversions of the value; arrivals that skipped; leads without an account
-- column of_units: all overdue leads; leads with an SLA; units of the value; arrivals; leads
-- column share: units / of_units
-- column compared_share: weak_value: rate of all other values
-- column in_time_share: overdue_owner: share of the owner's leads in the stage that were handled in time; null if none was decided
-- column others_in_time_share: overdue_owner: the same share of all other owners
-- column oldest_age_days: days in the stage of the lead that is overdue longest
with
overview as (from report.overview),
owners as (from report.open_by_owner),
owner_sla as (from report.sla_by_owner),

first_leads as (
    select stuck_leads.*
    from report.stuck_leads as stuck_leads
    where stuck_leads.lead_position = 1 and stuck_leads.sla_state = 'open_overdue'
),

value_differences as (
    select differences.*
    from report.value_differences as differences
    where differences.is_significant and differences.difference < 0
),

headline as (
    select headline.* from report.headline as headline where headline.is_headline_window
),

milestones as (from waterfall.milestones),

path_arrivals as (
    select path_arrivals.* from report.path_arrivals as path_arrivals where path_arrivals.scope = 'recent'
),

overdue as (
    select
        owners.report,
        sum(owners.overdue) as overdue,
        sum(owners.open_leads - owners.without_limit) as with_limit,
        max(first_leads.age_days) as oldest_age_days
    from owners
    left join first_leads on first_leads.report = owners.report and first_leads.owner_no = owners.owner_no
    group by owners.report
),

owner_stages as (
    select
        owner_sla.*,
        sum(owner_sla.met) over same_stage - owner_sla.met as others_met,
        sum(owner_sla.decided) over same_stage - owner_sla.decided as others_decided
    from owner_sla
    window same_stage as (partition by owner_sla.report, owner_sla.stage_no)
),

worst_stages as (
    select owner_stages.*
    from owner_stages
    where owner_stages.now_overdue > 0
    qualify row_number() over (
        partition by owner_stages.report, owner_stages.owner
        order by owner_stages.now_overdue desc, owner_stages.stage_no
    ) = 1
),

overdue_owner as (
    select
        owners.report,
        1 as action_no,
        'overdue_owner' as rule,
        worst_stages.stage,
        worst_stages.stage_label,
        owners.current_owner,
        owners.overdue as units,
        overdue.overdue as of_units,
        worst_stages.met_share as in_time_share,
        worst_stages.others_met / nullif(cast(worst_stages.others_decided as double), 0) as others_in_time_share,
        first_leads.age_days as oldest_age_days
    from owners
    inner join overdue on overdue.report = owners.report
    left join worst_stages on worst_stages.report = owners.report and worst_stages.owner = owners.current_owner
    left join first_leads on first_leads.report = owners.report and first_leads.owner_no = owners.owner_no
    where owners.owner_no = 1 and owners.overdue >= 10 and wilson_low(owners.overdue, overdue.overdue) > 0.5
        and exists (select 1 from owners as others where others.report = owners.report and others.owner_no = 2)
),

overdue_leads as (
    select
        overdue.report,
        1 as action_no,
        'overdue_leads' as rule,
        overdue.overdue as units,
        overdue.with_limit as of_units,
        overdue.oldest_age_days
    from overdue
    where
        overdue.overdue >= 10
        and wilson_low(overdue.overdue, overdue.with_limit) > 0.25
        and not exists (select 1 from overdue_owner where overdue_owner.report = overdue.report)
),

weak_value as (
    select
        differences.report,
        2 as action_no,
        'weak_value' as rule,
        differences.headline_no,
        differences.dimension,
        differences.dimension_value,
        differences.first_month,
        differences.last_month,
        differences.converted as units,
        differences.entered as of_units,
        differences.rest_rate as compared_share
    from value_differences as differences
    qualify row_number() over (
        partition by differences.report
        order by differences.missed desc, differences.headline_no, differences.dimension_no, differences.dimension_value
    ) = 1
),

ranks_before as (
    select milestones.low_rank as rank, string_agg(milestones.label, ', ' order by milestones.milestone_no) as labels
    from milestones
    where not milestones.is_group and milestones.low_rank is not null
    group by milestones.low_rank
),

skipped_stage as (
    select
        path_arrivals.report,
        3 as action_no,
        'skipped_stage' as rule,
        headline.headline_no,
        path_arrivals.stage,
        path_arrivals.label as stage_label,
        ranks_before.labels as previous_label,
        path_arrivals.first_month,
        path_arrivals.last_month,
        path_arrivals.over + path_arrivals.began_here as units,
        path_arrivals.arrivals as of_units
    from path_arrivals
    inner join headline on headline.report = path_arrivals.report
    inner join milestones on milestones.milestone = headline.from_stage and milestones.high_rank = path_arrivals.rank - 1
    inner join ranks_before on ranks_before.rank = path_arrivals.rank - 1
    where
        path_arrivals.over + path_arrivals.began_here >= 10
        and wilson_low(path_arrivals.over + path_arrivals.began_here, path_arrivals.arrivals) > 0.1
    qualify row_number() over (
        partition by path_arrivals.report
        order by units desc, headline.headline_no, path_arrivals.stage_no
    ) = 1
),

no_account as (
    select
        overview.report,
        4 as action_no,
        'no_account' as rule,
        overview.leads_without_account as units,
        overview.leads as of_units
    from overview
    where
        overview.accounts > 0
        and overview.leads_without_account >= 10
        and wilson_low(overview.leads_without_account, overview.leads) > 0.2
),

fired as (
    from overdue_owner
    union all by name
    from overdue_leads
    union all by name
    from weak_value
    union all by name
    from skipped_stage
    union all by name
    from no_account
)

select
    fired.report,
    row_number() over (partition by fired.report order by fired.action_no) as action_no,
    fired.rule,
    fired.headline_no,
    fired.stage,
    fired.stage_label,
    fired.previous_label,
    fired.dimension,
    fired.dimension_value,
    fired.current_owner,
    fired.first_month,
    fired.last_month,
    cast(fired.units as bigint) as units,
    cast(fired.of_units as bigint) as of_units,
    fired.units / cast(fired.of_units as double) as share,
    fired.compared_share,
    fired.in_time_share,
    fired.others_in_time_share,
    fired.oldest_age_days
from fired
order by fired.report, action_no
