-- One row per lead, cycle and stage or group, with the first span there (C4), in numbers only.
-- A history too long for the memory is built in batches, so that no window sort spills to disk.
-- partition: lead_no, count(*) of journey.spans_facts, 300 bytes each
-- key: lead_no, cycle_no, milestone_no
-- not null: arrived_at, arrived_date, span_no, stage_no, slice_set
-- column stage_no: the stage entered; for a group, the member entered first
-- column slice_set: slice membership of the span that began with the arrival
with
spans as (from journey.spans_facts),
members as (from waterfall.milestone_members),
milestones as (from waterfall.milestones)

select
    spans.lead_no,
    spans.cycle_no,
    members.milestone_no,
    milestones.is_group,
    milestones.low_rank,
    milestones.high_rank,
    spans.span_no,
    spans.stage_no,
    spans.entered_at as arrived_at,
    spans.entered_date as arrived_date,
    spans.slice_set
from spans
inner join members on members.stage_no = spans.stage_no
inner join milestones on milestones.milestone_no = members.milestone_no
qualify row_number() over (partition by spans.lead_no, spans.cycle_no, members.milestone_no order by spans.span_no) = 1
