-- One row per span in the report filter (waterfall.report_filter): every span, except in a report of one value.
-- as: view
with
report_filter as (from waterfall.report_filter),
slices as (from journey.slices),
span_slices as (from journey.span_slices)

select span_slices.lead_no, span_slices.span_no
from report_filter
inner join slices on slices.dimension = report_filter.dimension and slices.dimension_value = report_filter.dimension_value
inner join span_slices on span_slices.slice_no = slices.slice_no
