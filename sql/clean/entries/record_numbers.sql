-- One row per row of history that came from a record with several rows, with the number of that record in its file.
-- A HubSpot contact with four dates is one record and four rows. If each record is one row, the table is empty.
-- key: load_no, row_number
-- not null: record_number
-- column record_number: record in its file, 1 = the first after the header
with
delivered as (from raw.stage_entries)

select delivered.load_no, delivered.row_number, delivered.record_number
from delivered
where delivered.record_number is not null
