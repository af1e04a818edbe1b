-- One row per report, furthest step and present state: the leads of the funnel that came no further, and where they are now.
-- The leads are those that arrived at the lowest path stage in the twelve months up to the last month in which the rates of all headline pairs
-- are final; without such a month, in all complete months. The furthest step is the highest rank at which a lead arrived after that (K1).
-- unit: leads
-- basis: where the leads of the funnel are now that came to a step and no further
-- key: report, step_rank, state, stage
-- not null: leads
-- accepted state: open, left, deleted
-- check: (stage is null) = (state <> 'left')
-- column step_rank: rank of the furthest step
-- column first_month: first month in which the leads arrived at the lowest stage
-- column last_month: last such month
-- column state: open = on the path or on hold; left = in an exit or a detour; deleted = deleted in the source
-- column stage: left: the stage in which the leads are now
-- column stage_label: its label
-- column leads: leads that came to this step and no further
with
milestones as (from waterfall.milestones),
pairs as (from waterfall.pairs),
stages as (from waterfall.stages),

months as (
    select months.* from report.months as months where not months.is_partial
),

headline as (
    select headline.* from report.headline as headline where headline.is_headline_window
),

shown_sets as (from journey.shown_sets),
unit_pairs as (from journey.unit_pairs),

last_spans as (
    select spans.* from journey.spans_facts as spans where spans.is_last
),

lowest as (
    select milestones.milestone_no, milestones.low_rank
    from milestones
    where not milestones.is_group and milestones.low_rank is not null
    order by milestones.low_rank, milestones.milestone_no
    limit 1
),

last_final_months as (
    select headline.report, min(headline.recent_last_month) as month_start
    from headline
    group by headline.report
    having count(*) = count(headline.recent_last_month)
),

group_months as (
    select months.report, min(months.month_start) as first_month, max(months.month_start) as last_month
    from months
    left join last_final_months on last_final_months.report = months.report
    where
        last_final_months.month_start is null
        or (
            months.month_start <= last_final_months.month_start
            and months.month_start > last_final_months.month_start - interval 12 month
        )
    group by months.report
),

furthest as (
    select
        group_months.report,
        unit_pairs.unit_id as lead_no,
        group_months.first_month,
        group_months.last_month,
        coalesce(max(to_milestones.low_rank) filter (where unit_pairs.outcome = 'converted'), any_value(lowest.low_rank)) as step_rank
    from unit_pairs
    inner join pairs on pairs.pair_no = unit_pairs.pair_no
    inner join lowest on lowest.milestone_no = pairs.from_milestone_no
    inner join milestones as to_milestones on to_milestones.milestone_no = pairs.to_milestone_no and not to_milestones.is_group
    inner join shown_sets on shown_sets.slice_set = unit_pairs.slice_set
    inner join group_months on group_months.report = shown_sets.report
    where
        unit_pairs.unit = 'lead'
        and unit_pairs.from_date >= group_months.first_month
        and unit_pairs.from_date < group_months.last_month + interval 1 month
    group by group_months.report, unit_pairs.unit_id, group_months.first_month, group_months.last_month
),

placed as (
    select
        furthest.*,
        case
            when last_spans.exit_kind = 'deleted' then 'deleted'
            when stages.kind in ('exit', 'detour') then 'left'
            else 'open'
        end as state,
        case
            when last_spans.exit_kind is distinct from 'deleted' and stages.kind in ('exit', 'detour') then stages.stage_no
        end as stage_no
    from furthest
    inner join last_spans on last_spans.lead_no = furthest.lead_no
    inner join stages on stages.stage_no = last_spans.stage_no
)

select
    placed.report,
    placed.step_rank,
    placed.first_month,
    placed.last_month,
    placed.state,
    stages.stage,
    stages.label as stage_label,
    count(*) as leads
from placed
left join stages on stages.stage_no = placed.stage_no
group by all
order by placed.report, placed.step_rank, leads desc, placed.state, stages.stage
