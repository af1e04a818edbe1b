-- One row per input that delivered: its newest delivery (the files that one run read) and the rejected rows in it.
-- key: input
-- not null: input_no, delivered_at, files, rows_read, rejected, unknown_stage
-- check: unknown_stage <= rejected
-- column input_no: position of the input in the configuration
-- column delivered_at: when the run read it (UTC)
-- column files: files of the delivery
-- column rows_read: rows in them
-- column rejected: of these, rejected with the configuration of this run; rows that a new alias accepts are not included
-- column unknown_stage: of these, because no alias matches the stage
with
loads as (from raw.loads),
inputs as (from waterfall.inputs),
rejected_rows as (from quality.rejected_rows),

newest as (
    select loads.*
    from loads
    qualify loads.loaded_at = max(loads.loaded_at) over (partition by loads.input)
),

rejected as (
    select
        rejected_rows.load_no,
        count(*) as rejected,
        count(*) filter (where rejected_rows.reason = 'unknown_stage') as unknown_stage
    from rejected_rows
    where rejected_rows.load_no in (select newest.load_no from newest)
    group by rejected_rows.load_no
)

select
    inputs.input,
    inputs.input_no,
    newest.loaded_at as delivered_at,
    count(*) as files,
    cast(sum(newest.rows_read) as bigint) as rows_read,
    cast(coalesce(sum(rejected.rejected), 0) as bigint) as rejected,
    cast(coalesce(sum(rejected.unknown_stage), 0) as bigint) as unknown_stage
from newest
inner join inputs on inputs.input = newest.input
left join rejected on rejected.load_no = newest.load_no
group by inputs.input, inputs.input_no, newest.loaded_at
order by inputs.input_no
