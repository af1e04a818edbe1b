-- One row per stay of a lead in a stage: [entered_at, exited_at), open while exited_at is null.
-- as: view
-- column span_no: 1, 2 … in time order
-- column cycle_no: the run along the path to which the stay belongs; 0 before the first path stage
with
spans as (
    from journey.spans_narrow
),

entries as (
    from clean.stage_entries
),

stages as (
    from waterfall.stages
)

select
    entries.lead_id,
    spans.span_no,
    spans.cycle_no,
    entries.stage,
    spans.entered_at,
    spans.exited_at,
    spans.exit_kind,
    spans.skipped,
    next_stages.stage as next_stage,
    entries.owner,
    spans.arrival_kind,
    spans.entered_date,
    spans.exited_date,
    spans.lead_no
from spans
inner join entries on entries.lead_no = spans.lead_no and entries.entry_no = spans.span_no
left join stages as next_stages on next_stages.stage_no = spans.next_stage_no
