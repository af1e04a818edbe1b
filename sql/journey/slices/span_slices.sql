-- One row per span and slice that it belongs to, in numbers only.
-- as: view
with
spans as (from journey.spans_facts),
slice_members as (from journey.slice_members)

select spans.lead_no, spans.span_no, slice_members.slice_no
from spans
inner join slice_members on slice_members.slice_set = spans.slice_set
