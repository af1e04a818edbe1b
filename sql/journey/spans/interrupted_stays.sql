-- One row per ended span that contains rows with an unknown stage, so that the time in its own stage is not known (T1).
-- Such rows are rejected, so the span seems to last until the next known stage.
-- key: lead_no, span_no
-- not null: stage_no, unknown_rows
-- check: unknown_rows >= 1
-- column unknown_rows: rejected rows of the lead with an unknown stage, from the entry (inclusive) to the end of the span (exclusive)
with
entry_rows as (from clean.entry_rows),
spans as (from journey.spans_facts),

unknown as (
    select entry_rows.lead_no, entry_rows.entered_at
    from entry_rows
    where entry_rows.disposition = 'rejected' and entry_rows.reason = 'unknown_stage'
)

select
    spans.lead_no,
    spans.span_no,
    spans.stage_no,
    count(*) as unknown_rows
from unknown
inner join spans
    on spans.lead_no = unknown.lead_no
    and spans.entered_at <= unknown.entered_at
    and spans.exited_at > unknown.entered_at
group by all
