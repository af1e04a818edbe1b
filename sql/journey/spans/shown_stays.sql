-- One row per stay that began in the cut of waterfall.shown_cut: every stay, unless a report of one value is being made.
-- as: view
with
shown_cut as (from waterfall.shown_cut),
cuts as (from journey.cuts),
span_cuts as (from journey.span_cuts)

select span_cuts.lead_no, span_cuts.span_no
from shown_cut
inner join cuts on cuts.dimension = shown_cut.dimension and cuts.dimension_value = shown_cut.dimension_value
inner join span_cuts on span_cuts.cut_no = cuts.cut_no
