-- One row per report and path stage or group: how many leads were known in the accounts that arrived there, at the time of arrival (A4).
-- unit: accounts
-- basis: leads with any stage entry by the account’s first arrival; later leads change nothing earlier
-- denominator: accounts that ever arrived at the stage
-- key: report, stage
-- unique: report, milestone_no
-- not null: stage_label, accounts, depth_1, depth_2, depth_3_4, depth_5_plus
-- check: accounts = depth_1 + depth_2 + depth_3_4 + depth_5_plus
-- check: (median_depth is null) = (accounts = 0)
-- column stage: key of the stage or group
-- column stage_label: its label
-- column accounts: accounts that ever arrived there
-- column depth_1: of these, with one lead known at that moment
-- column depth_2: with two
-- column depth_3_4: with three or four
-- column depth_5_plus: with five or more
-- column median_depth: median of the leads known; the middle of two for an even number of accounts
-- column median_reached: median of the leads that arrived there by as-of
with
reports as (from waterfall.reports),

milestones as (
    select milestones.* from waterfall.milestones where milestones.low_rank is not null
),

shown_stays as (from journey.shown_stays),

arrivals as (
    select shown_stays.report, arrivals.*
    from marts.account_arrivals as arrivals
    inner join shown_stays on shown_stays.lead_no = arrivals.lead_no and shown_stays.span_no = arrivals.span_no
)

select
    reports.report,
    milestones.milestone_no,
    milestones.milestone as stage,
    milestones.label as stage_label,
    milestones.is_group,
    count(arrivals.account_no) as accounts,
    count(*) filter (where arrivals.depth_at_entry = 1) as depth_1,
    count(*) filter (where arrivals.depth_at_entry = 2) as depth_2,
    count(*) filter (where arrivals.depth_at_entry between 3 and 4) as depth_3_4,
    count(*) filter (where arrivals.depth_at_entry >= 5) as depth_5_plus,
    quantile_cont(arrivals.depth_at_entry, 0.5) as median_depth,
    quantile_cont(arrivals.leads_reached, 0.5) as median_reached
from reports
cross join milestones
left join arrivals on arrivals.report = reports.report and arrivals.milestone_no = milestones.milestone_no
group by reports.report, milestones.milestone_no, milestones.milestone, milestones.label, milestones.is_group
order by reports.report, milestones.milestone_no
