-- One row per report, basis, stage or group and recent month, and one at as-of: leads per account (A1).
-- unit: leads and accounts
-- basis: ever reached by as-of or by the month’s end, or in the stage at as-of; later leads change nothing earlier
-- denominator: distinct accounts of the leads with one
-- key: report, basis, stage, month_start
-- not null: is_partial, leads, leads_with_account, leads_without_account, accounts
-- accepted basis: reached, current
-- check: leads = leads_with_account + leads_without_account
-- column month_start: first day of the month; the counts are of its end; null = at as-of
-- column label: the month's name, or at as-of
-- column is_partial: as-of is inside the month, so the counts are as of as-of
-- column leads_without_account: leads without a known account
-- column stage_label: label of the stage or group
-- column leads: leads counted
-- column leads_with_account: of these, with an account
-- column accounts: distinct accounts of the leads with one
-- column depth_1: accounts with one such lead
-- column depth_2: accounts with two
-- column depth_3_4: accounts with three or four
-- column depth_5_plus: accounts with five or more
-- column ratio: leads_with_account / accounts
with
reports as (from waterfall.reports),
milestones as (from waterfall.milestones),

months as (
    select months.report, months.month_start, months.label, months.is_partial
    from report.months as months
    where months.is_recent
    union all
    select reports.report, null, 'at as-of', false from reports
),

-- One grain per scan: with two grains in one filter, DuckDB would also compute the days.
depth as (
    select reports.report, depth.*
    from marts.lead_to_account as depth
    inner join reports on reports.dimension = depth.dimension and reports.dimension_value = depth.dimension_value
    where depth.grain = 'month'
    union all
    select reports.report, depth.*
    from marts.lead_to_account as depth
    inner join reports on reports.dimension = depth.dimension and reports.dimension_value = depth.dimension_value
    where depth.grain = 'all'
),

-- A group can be reached, but no lead is in it now; a slice has no row without a lead.
grid as (
    select bases.basis, milestones.*
    from milestones
    cross join (select unnest(['reached', 'current']) as basis) as bases
    where milestones.low_rank is not null and (bases.basis = 'reached' or not milestones.is_group)
)

select
    months.report,
    grid.basis,
    grid.milestone_no,
    grid.milestone as stage,
    grid.label as stage_label,
    grid.is_group,
    months.month_start,
    months.label,
    months.is_partial,
    coalesce(depth.leads, 0) as leads,
    coalesce(depth.leads_with_account, 0) as leads_with_account,
    coalesce(depth.leads - depth.leads_with_account, 0) as leads_without_account,
    coalesce(depth.accounts, 0) as accounts,
    depth.ratio,
    coalesce(depth.depth_1, 0) as depth_1,
    coalesce(depth.depth_2, 0) as depth_2,
    coalesce(depth.depth_3_4, 0) as depth_3_4,
    coalesce(depth.depth_5_plus, 0) as depth_5_plus
from grid
cross join months
left join depth
    on depth.report = months.report
    and depth.basis = grid.basis
    and depth.stage = grid.milestone
    and depth.period_start is not distinct from months.month_start
order by months.report, grid.basis desc, grid.milestone_no, months.month_start nulls first
