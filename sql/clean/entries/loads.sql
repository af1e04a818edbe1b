-- One row per load of the landing log that counts.
-- key: load_no
-- not null: input, input_no, table_name, recorded_at
-- column input_no: position of the input in the configuration
-- column table_name: table that the load belongs to
with
loads as (from raw.loads),
inputs as (from waterfall.inputs)

select
    loads.load_no,
    loads.input,
    inputs.input_no,
    loads.table_name,
    loads.loaded_at as recorded_at
from loads
inner join inputs on inputs.input = loads.input
order by loads.load_no
