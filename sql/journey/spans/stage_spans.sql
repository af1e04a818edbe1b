-- One row per span of a lead in a stage: [entered_at, exited_at), open while exited_at is null.
-- as: view
-- column span_no: 1, 2 … in time order
-- column cycle_no: the run along the path to which the span belongs; 0 before the first path stage
with
spans as (from journey.spans_facts),
words as (from clean.entry_words),
leads as (from clean.leads),
stages as (from waterfall.stages)

select
    leads.lead_id,
    spans.span_no,
    spans.cycle_no,
    stages.stage,
    spans.entered_at,
    spans.exited_at,
    spans.exit_kind,
    spans.skipped,
    next_stages.stage as next_stage,
    words.owner,
    spans.arrival_kind,
    spans.entered_date,
    spans.exited_date,
    spans.lead_no
from spans
inner join leads on leads.lead_no = spans.lead_no
inner join stages on stages.stage_no = spans.stage_no
left join stages as next_stages on next_stages.stage_no = spans.next_stage_no
left join words on words.words_key = spans.words_key
