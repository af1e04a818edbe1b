-- One row per report and recent month, and one for all history: over all stages, opening + new + restored + came over − deleted = closing (V1).
-- unit: leads
-- basis: all stages together, off the path too
-- key: report, month_start
-- not null: opening, new_leads, restored_leads, came_over, deleted_leads, closing
-- check: opening + new_leads + restored_leads + came_over - deleted_leads = closing
-- column month_start: first day of the month; null = all history
-- column label: the month's name, or all history
-- column is_partial: as-of is inside the month
-- column is_balanced: opening + new_leads + restored_leads + came_over − deleted_leads = closing
-- column new_leads: leads whose first entry is in the month
-- column restored_leads: deleted leads that came back in the month
-- column came_over: leads that came from other values of the report's dimension, minus those that went to one; 0 in the report of all leads
-- column deleted_leads: leads deleted in their source in the month
with
flow as (from report.stage_flow)

select
    flow.report,
    flow.month_start,
    flow.label,
    flow.is_partial,
    cast(sum(flow.opening) as bigint) as opening,
    cast(sum(flow.in_new) as bigint) as new_leads,
    cast(sum(flow.in_restored) as bigint) as restored_leads,
    cast(sum(flow.ins - flow.in_new - flow.in_restored) - sum(flow.outs - flow.out_deleted) as bigint) as came_over,
    cast(sum(flow.out_deleted) as bigint) as deleted_leads,
    cast(sum(flow.closing) as bigint) as closing,
    sum(flow.opening) + sum(flow.ins) - sum(flow.outs) = sum(flow.closing) as is_balanced
from flow
group by flow.report, flow.month_start, flow.label, flow.is_partial
order by flow.report, flow.month_start nulls first
