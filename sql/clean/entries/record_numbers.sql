-- One row per row of history that was made of a record of its file, with the number of that record.
-- Empty where each record is a row; a HubSpot contact with four dates is one record and four rows.
-- key: load_no, row_number
-- not null: record_number
-- column record_number: record in its file, 1 = the first after the header
with
delivered as (from raw.stage_entries)

select delivered.load_no, delivered.row_number, delivered.record_number
from delivered
where delivered.record_number is not null
