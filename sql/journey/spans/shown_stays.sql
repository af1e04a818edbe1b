-- One row per span in the report filter (waterfall.shown_cut): every span, except in a report of one value.
-- as: view
with
shown_cut as (from waterfall.shown_cut),
cuts as (from journey.cuts),
span_cuts as (from journey.span_cuts)

select span_cuts.lead_no, span_cuts.span_no
from shown_cut
inner join cuts on cuts.dimension = shown_cut.dimension and cuts.dimension_value = shown_cut.dimension_value
inner join span_cuts on span_cuts.cut_no = cuts.cut_no
