-- One row per slice: a dimension and one of its values.
-- The marts group by its number and add the texts last, which is faster.
-- key: cut_no
-- unique: dimension, dimension_value
-- column cut_no: number of the slice
with
cut_values as (from journey.cut_values),

cuts as (
    select distinct cut_values.dimension, cut_values.dimension_value from cut_values
    union
    select 'all', 'all'
)

select
    cast(row_number() over (order by cuts.dimension, cuts.dimension_value) as integer) as cut_no,
    cuts.dimension,
    cuts.dimension_value
from cuts
order by cuts.dimension, cuts.dimension_value
