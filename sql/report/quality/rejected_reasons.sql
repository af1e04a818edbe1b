-- One row per input, file and reason: how many rows were rejected, and the row numbers of the first ones.
-- key: input, file_name, reason
-- not null: rejected
-- column rejected: number of rejected rows
-- column first_rows: row numbers of the first five; quality.rejected_rows has their text
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
