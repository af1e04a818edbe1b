-- One row per span and dimension, with the value when the span began (docs/RULES.md section 9); `all` is the total.
-- as: view
with
spans as (from journey.spans_narrow),
cut_values as (from journey.cut_values)

select spans.lead_no, spans.span_no, cut_values.dimension, cut_values.dimension_value
from spans
inner join cut_values on cut_values.cut_set = spans.cut_set
