-- One row per basis, stage or group and recent month, and one at as-of: leads per account (A1).
-- key: basis, stage, month_start
-- not null: is_partial, leads, leads_with_account, leads_without_account, accounts
-- accepted basis: reached, current
-- check: leads = leads_with_account + leads_without_account
-- column month_start: first day of the month at whose end the counts stand; null = at as-of
-- column label: the month's name, or at as-of
-- column is_partial: as-of lies inside the month, so the counts stand at as-of
-- column leads_without_account: leads that no account is known of
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
marks as (
    from waterfall.marks
),

months as (
    select months.* from report.months as months where months.is_recent
),

depth as (
    select depth.*
    from marts.lead_to_account as depth
    where depth.dimension = 'all' and depth.grain in ('month', 'all')
)

select
    depth.basis,
    marks.mark_no,
    marks.mark as stage,
    marks.label as stage_label,
    marks.is_group,
    months.month_start,
    coalesce(months.label, 'at as-of') as label,
    coalesce(months.is_partial, false) as is_partial,
    depth.leads,
    depth.leads_with_account,
    depth.leads - depth.leads_with_account as leads_without_account,
    depth.accounts,
    depth.ratio,
    depth.depth_1,
    depth.depth_2,
    depth.depth_3_4,
    depth.depth_5_plus
from depth
inner join marks on marks.mark = depth.stage
left join months on months.month_start = depth.period_start
where marks.low_rank is not null and (depth.grain = 'all' or months.month_start is not null)
order by depth.basis desc, marks.mark_no, months.month_start nulls first
