-- One row per input, file and reason: how many rows were rejected, and where the first ones stand.
-- key: input, file_name, reason
-- not null: rejected
-- column rejected: rows
-- column first_rows: row numbers of the first five; what they said is in quality.rejected_rows
with
rejected_rows as (from quality.rejected_rows)

select
    rejected_rows.input,
    rejected_rows.file_name,
    rejected_rows.reason,
    count(*) as rejected,
    list_slice(list_sort(list(rejected_rows.row_number)), 1, 5) as first_rows
from rejected_rows
group by rejected_rows.input, rejected_rows.file_name, rejected_rows.reason
order by rejected_rows.input, rejected_rows.file_name, rejected_rows.reason
