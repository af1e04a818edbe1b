-- One row per span and dimension, with the value when the span began (docs/RULES.md section 9); `all` is the total.
-- as: view
with
spans as (from journey.spans_facts),
slice_values as (from journey.slice_values)

select spans.lead_no, spans.span_no, slice_values.dimension, slice_values.dimension_value
from spans
inner join slice_values on slice_values.slice_set = spans.slice_set
