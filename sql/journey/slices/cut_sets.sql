-- One row per slice membership and slice in it, in numbers only: the marts join it to the cut_set of a span.
-- key: cut_set, cut_no
-- column cut_set: slice membership: hash of all that decides the slices of a span
with
cut_values as (from journey.cut_values),
cuts as (from journey.cuts)

select cut_values.cut_set, cuts.cut_no
from cut_values
inner join cuts on cuts.dimension = cut_values.dimension and cuts.dimension_value = cut_values.dimension_value
