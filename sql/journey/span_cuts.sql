-- One row per stay and cut that it belongs to, in numbers only.
-- key: lead_no, span_no, cut_no
with
span_dimensions as (
    from journey.span_dimensions
),

cuts as (
    from journey.cuts
)

select span_dimensions.lead_no, span_dimensions.span_no, cuts.cut_no
from span_dimensions
inner join cuts
    on cuts.dimension = span_dimensions.dimension and cuts.dimension_value = span_dimensions.dimension_value
