-- One row per report, input, file and reason: how many rows were rejected, and the row numbers of the first ones.
-- unit: rows of the inputs
-- basis: row 1 is the first after the header; the rows themselves are in quality.rejected_rows
-- key: report, input, file_name, reason
-- not null: rejected
-- column report: key of the report; the counts of each are of all leads
-- column rejected: number of rejected rows
-- column first_rows: row numbers of the first five; quality.rejected_rows has their text
with
reports as (from waterfall.reports),
rejected_rows as (from quality.rejected_rows)

select
    reports.report,
    rejected_rows.input,
    rejected_rows.file_name,
    rejected_rows.reason,
    count(*) as rejected,
    list_slice(list_sort(list(rejected_rows.row_number)), 1, 5) as first_rows
from reports
cross join rejected_rows
group by reports.report, rejected_rows.input, rejected_rows.file_name, rejected_rows.reason
order by reports.report, rejected_rows.input, rejected_rows.file_name, rejected_rows.reason
