-- One row per report and arrival that the action skipped_stage counts, newest first: a cycle that arrived without the rank before.
-- unit: cycles
-- basis: arrivals at the stage of the action in its months, without a stage of the rank before; owner at the arrival
-- denominator: none: a list
-- key: report, lead_id, cycle_no
-- unique: report, arrival_position
-- not null: stage_label, arrived_date, began_at
-- column arrival_position: place in the list
-- column cycle_no: the run along the path
-- column stage_label: label of the stage at which it arrived
-- column arrived_date: date of arrival on the waterfall's clock
-- column began_at: label of the path stage at which the cycle began
-- column current_stage: label of the stage that the lead is in now; null = deleted
with
actions as (
    select actions.* from report.actions as actions where actions.rule = 'skipped_stage'
),

stages as (from waterfall.stages),
shown_stays as (from journey.shown_stays),
leads as (from clean.leads),
cycles as (from journey.cycles_facts),
words as (from clean.entry_words),
spans as (from journey.spans_facts),

arrivals as (
    select arrivals.* from journey.arrivals_facts as arrivals where arrivals.low_rank is not null and not arrivals.is_group
),

ranks_seen as (
    select distinct arrivals.lead_no, arrivals.cycle_no, arrivals.low_rank from arrivals
),

current_stages as (
    select spans.lead_no, stages.label
    from spans
    inner join stages on stages.stage_no = spans.stage_no
    where spans.is_last and spans.exit_kind <> 'deleted'
)

select
    actions.report,
    row_number() over (
        partition by actions.report order by arrivals.arrived_date desc, leads.lead_id, arrivals.cycle_no
    ) as arrival_position,
    leads.lead_id,
    leads.account_id,
    arrivals.cycle_no,
    actions.stage_label,
    arrivals.arrived_date,
    began_at.label as began_at,
    words.owner,
    leads.lead_source,
    current_stages.label as current_stage
from actions
inner join stages on stages.stage = actions.stage
inner join arrivals
    on arrivals.milestone_no = stages.stage_no
    and date_trunc('month', arrivals.arrived_date) between actions.first_month and actions.last_month
inner join shown_stays
    on shown_stays.report = actions.report
    and shown_stays.lead_no = arrivals.lead_no
    and shown_stays.span_no = arrivals.span_no
inner join spans on spans.lead_no = arrivals.lead_no and spans.span_no = arrivals.span_no
inner join leads on leads.lead_no = arrivals.lead_no
inner join cycles on cycles.lead_no = arrivals.lead_no and cycles.cycle_no = arrivals.cycle_no
inner join stages as began_at on began_at.stage_no = cycles.entry_stage_no
left join words on words.words_key = spans.words_key
left join current_stages on current_stages.lead_no = arrivals.lead_no
where not exists (
    select 1
    from ranks_seen
    where ranks_seen.lead_no = arrivals.lead_no
        and ranks_seen.cycle_no = arrivals.cycle_no
        and ranks_seen.low_rank = arrivals.low_rank - 1
)
order by actions.report, arrival_position
