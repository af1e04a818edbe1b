-- One row per slice: a dimension and one of its values.
-- The marts group by its number and add the texts last, which is faster.
-- key: slice_no
-- unique: dimension, dimension_value
-- column slice_no: number of the slice
with
slice_values as (from journey.slice_values),

slices as (
    select distinct slice_values.dimension, slice_values.dimension_value from slice_values
    union
    select 'all', 'all'
)

select
    cast(row_number() over (order by slices.dimension, slices.dimension_value) as integer) as slice_no,
    slices.dimension,
    slices.dimension_value
from slices
order by slices.dimension, slices.dimension_value
