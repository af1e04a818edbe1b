-- One row per report and slice membership in its slice: all memberships in the report of all leads.
-- A report counts a span or unit if it has a row for the slice_set.
-- as: view
-- key: report, slice_set
-- column slice_set: slice membership, as in journey.slice_members
with
reports as (from waterfall.reports),
slices as (from journey.slices),
slice_members as (from journey.slice_members)

select reports.report, slice_members.slice_set
from reports
inner join slices on slices.dimension = reports.dimension and slices.dimension_value = reports.dimension_value
inner join slice_members on slice_members.slice_no = slices.slice_no
