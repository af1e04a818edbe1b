-- One row per slice membership and slice in it, in numbers only: the marts join it to the slice_set of a span.
-- key: slice_set, slice_no
-- column slice_set: slice membership: hash of all that decides the slices of a span
with
slice_values as (from journey.slice_values),
slices as (from journey.slices)

select slice_values.slice_set, slices.slice_no
from slice_values
inner join slices on slices.dimension = slice_values.dimension and slices.dimension_value = slice_values.dimension_value
