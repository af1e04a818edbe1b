-- One row per span and slice that it belongs to, in numbers only.
-- as: view
with
spans as (from journey.spans_narrow),
cut_sets as (from journey.cut_sets)

select spans.lead_no, spans.span_no, cut_sets.cut_no
from spans
inner join cut_sets on cut_sets.cut_set = spans.cut_set
