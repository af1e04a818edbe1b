-- One row per input: the disposition of every row that its loads delivered (E1).
-- unit: rows of the inputs
-- basis: all files in the log; a row counts once, under the first outcome that applies, from filtered to kept
-- key: input
-- not null: rows_read
-- check: rows_read = filtered + rejected + redelivered + after_as_of + out_of_scope + duplicates + repeats + kept
-- column rows_read: rows in all loads of the log
-- column filtered: excluded by `where` of the input or of its format
-- column rejected: stored in full in quality.rejected_rows
-- column redelivered: already loaded: an earlier load of the input had the same row
-- column after_as_of: dated after as-of
-- column out_of_scope: rows of leads that a scope rule excludes
-- column duplicates: same lead, stage and time; for leads and accounts the same key again in one file
-- column repeats: a re-assertion of the current stage of the lead
-- column kept: the rows that the numbers are computed from
-- column loads: files in the log
with
run as (from waterfall.run),
inputs as (from waterfall.inputs),
loads as (from raw.loads),
counted_loads as (from clean.loads),
entry_rows as (from clean.entry_rows),
merges as (from raw.merges),
deletions as (from raw.deletions),

judged as (
    select
        counted_loads.input_no,
        count(*) filter (where entry_rows.disposition = 'rejected') as rejected,
        count(*) filter (where entry_rows.disposition = 'after_as_of') as after_as_of,
        count(*) filter (where entry_rows.disposition = 'out_of_scope') as out_of_scope,
        count(*) filter (where entry_rows.disposition = 'duplicate') as duplicates,
        count(*) filter (where entry_rows.disposition = 'repeat') as repeats,
        count(*) filter (where entry_rows.disposition = 'kept') as kept
    from entry_rows
    inner join counted_loads on counted_loads.load_no = entry_rows.load_no
    group by counted_loads.input_no
),

not_yet as (
    select merges.input, count(*) as after_as_of
    from merges
    cross join run
    where merges.merged_at > run.as_of
    group by merges.input
    union all
    select deletions.input, count(*)
    from deletions
    cross join run
    where deletions.deleted_at > run.as_of
    group by deletions.input
),

delivered as (
    select
        loads.input,
        count(*) as loads,
        sum(loads.rows_read) as rows_read,
        sum(loads.filtered) as filtered,
        sum(loads.rejected) as rejected,
        sum(loads.redelivered) as redelivered,
        sum(loads.duplicates) as duplicates,
        sum(loads.landed) as landed
    from loads
    group by loads.input
)

select
    inputs.input,
    inputs.table_name,
    cast(coalesce(delivered.rows_read, 0) as bigint) as rows_read,
    cast(coalesce(delivered.filtered, 0) as bigint) as filtered,
    cast(coalesce(delivered.rejected, 0) + coalesce(judged.rejected, 0) as bigint) as rejected,
    cast(coalesce(delivered.redelivered, 0) as bigint) as redelivered,
    cast(coalesce(judged.after_as_of, not_yet.after_as_of, 0) as bigint) as after_as_of,
    cast(coalesce(judged.out_of_scope, 0) as bigint) as out_of_scope,
    cast(coalesce(delivered.duplicates, 0) + coalesce(judged.duplicates, 0) as bigint) as duplicates,
    cast(coalesce(judged.repeats, 0) as bigint) as repeats,
    cast(
        case
            when inputs.table_name = 'stage_entries' then coalesce(judged.kept, 0)
            else coalesce(delivered.landed, 0) - coalesce(not_yet.after_as_of, 0)
        end as bigint
    ) as kept,
    cast(coalesce(delivered.loads, 0) as bigint) as loads
from inputs
left join delivered on delivered.input = inputs.input
left join judged on judged.input_no = inputs.input_no
left join not_yet on not_yet.input = inputs.input
order by inputs.input_no
