-- One row per report and step of the path: how many leads of one group came to it or further, as bars that shrink.
-- The group and its months are those of report.funnel_stops. A step is a rank: parallel stages are one step. Unit: lead.
-- unit: leads (all runs of a lead along the path together)
-- basis: leads by the month of their first arrival at the lowest stage, ever; a lead that skipped a step counts in it
-- denominator: the step named after “of”
-- key: report, step_no
-- unique: report, step_rank
-- not null: label, leads, stopped, all_leads
-- check: stopped between 0 and leads and leads <= all_leads
-- column step_no: 1 = the lowest rank
-- column step_rank: the rank
-- column label: labels of the stages of the rank
-- column first_month: first month in which the leads arrived at the lowest stage; null without a lead
-- column last_month: last such month
-- column leads: leads that came to this step or further
-- column stopped: of these, those that came no further
-- column previous_label: label of the step before
-- column previous_leads: leads of the step before
-- column all_leads: leads of the first step
-- column share_of_previous: leads / previous_leads
-- column share_of_all: leads / all_leads
with
reports as (from waterfall.reports),
milestones as (from waterfall.milestones),
stops as (from report.funnel_stops),

steps as (
    select
        milestones.low_rank as step_rank,
        row_number() over (order by milestones.low_rank) as step_no,
        string_agg(milestones.label, ', ' order by milestones.milestone_no) as label
    from milestones
    where not milestones.is_group and milestones.low_rank is not null
    group by milestones.low_rank
),

counted as (
    select
        reports.report,
        steps.step_no,
        steps.step_rank,
        steps.label,
        min(stops.first_month) as first_month,
        max(stops.last_month) as last_month,
        cast(coalesce(sum(stops.leads), 0) as bigint) as leads,
        cast(coalesce(sum(stops.leads) filter (where stops.step_rank = steps.step_rank), 0) as bigint) as stopped
    from reports
    cross join steps
    left join stops on stops.report = reports.report and stops.step_rank >= steps.step_rank
    group by all
),

beside_others as (
    select
        counted.*,
        lag(counted.label) over path as previous_label,
        lag(counted.leads) over path as previous_leads,
        first_value(counted.leads) over path as all_leads
    from counted
    window path as (partition by counted.report order by counted.step_no)
)

select
    beside_others.report,
    beside_others.step_no,
    beside_others.step_rank,
    beside_others.label,
    beside_others.first_month,
    beside_others.last_month,
    beside_others.leads,
    beside_others.stopped,
    beside_others.previous_label,
    beside_others.previous_leads,
    beside_others.all_leads,
    beside_others.leads / nullif(cast(beside_others.previous_leads as double), 0) as share_of_previous,
    beside_others.leads / nullif(cast(beside_others.all_leads as double), 0) as share_of_all
from beside_others
order by beside_others.report, beside_others.step_no
