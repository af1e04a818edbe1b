-- One row per report and span that it counts: every span in the report of all leads.
-- as: view
with
shown_sets as (from journey.shown_sets),
spans as (from journey.spans_facts)

select shown_sets.report, spans.lead_no, spans.span_no
from spans
inner join shown_sets on shown_sets.slice_set = spans.slice_set
