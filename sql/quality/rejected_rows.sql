-- One row per rejected row, in full: its file and row number, why it was rejected, and the text of the row (E1).
-- key: load_no, row_number
-- not null: input, row_number, record_number, reason, original
-- column row_number: row of its load
-- column record_number: record in its file, 1 = the first after the header
-- column reason: why it was rejected
-- column original: the row as delivered
-- column file_name: the file that contains it
with
refused_on_landing as (from raw.rejected_rows),
delivered as (from raw.stage_entries),
loads as (from raw.loads),

refused_by_meaning as (
    select rows.load_no, rows.row_number, rows.reason from clean.entry_rows as rows where rows.disposition = 'rejected'
)

select
    refused_on_landing.input,
    refused_on_landing.row_number,
    coalesce(refused_on_landing.record_number, refused_on_landing.row_number) as record_number,
    refused_on_landing.reason,
    refused_on_landing.original,
    refused_on_landing.file_name,
    refused_on_landing.load_no
from refused_on_landing
union all
select
    delivered.input,
    delivered.row_number,
    coalesce(delivered.record_number, delivered.row_number),
    refused_by_meaning.reason,
    coalesce(delivered.original, cast(to_json(delivered) as varchar)),
    loads.file_name,
    refused_by_meaning.load_no
from refused_by_meaning
inner join delivered
    on delivered.load_no = refused_by_meaning.load_no and delivered.row_number = refused_by_meaning.row_number
inner join loads on loads.load_no = refused_by_meaning.load_no
order by load_no, row_number
