-- One row per landed row of stage history, with what became of it (E1 to E8).
-- Two windows: the first finds exact duplicates, the second re-assertions among what is left.
-- key: load_no, row_number
-- not null: disposition
-- accepted disposition: rejected, after_as_of, out_of_scope, duplicate, repeat, kept
-- check: (disposition = 'rejected') = (reason is not null)
-- column input_no: position of the input in the configuration
-- column sequence: the input's own order of rows, where it has one
-- column path_order: rank on the path; 32767 off it, so that a same-second move sorts path first
-- column disposition: what became of the row
-- column reason: why it was rejected
with
run as (
    from waterfall.run
),

delivered as (
    from raw.stage_entries
),

inputs as (
    from waterfall.inputs
),

aliases as (
    from waterfall.stage_aliases
),

stages as (
    from waterfall.stages
),

lead_ids as (
    from clean.lead_ids
),

leads as (
    from clean.leads
),

named as (
    select
        delivered.load_no,
        delivered.row_number,
        inputs.input_no,
        lead_ids.lead_no,
        aliases.stage_no,
        delivered.entered_at,
        delivered.sequence,
        cast(coalesce(stages.rank, 32767) as smallint) as path_order,
        case
            when aliases.stage_no is null then 'unknown_stage'
            when delivered.entered_at > run.as_of + interval 1 year then 'time_out_of_range'
        end as reason,
        case
            when delivered.entered_at > run.as_of then 'after_as_of'
            when not leads.is_in_scope then 'out_of_scope'
        end as set_aside
    from delivered
    cross join run
    inner join inputs on inputs.input = delivered.input
    inner join lead_ids on lead_ids.lead_id = delivered.lead_id
    inner join leads on leads.lead_no = lead_ids.lead_no
    left join aliases on aliases.alias = delivered.stage_alias
    left join stages on stages.stage_no = aliases.stage_no
),

set_aside as (
    select
        named.* exclude (set_aside),
        case when named.reason is not null then 'rejected' else named.set_aside end as disposition
    from named
    where named.reason is not null or named.set_aside is not null
),

marked_duplicates as (
    select
        named.* exclude (set_aside),
        row_number() over (
            partition by named.lead_no, named.stage_no, named.entered_at
            order by named.sequence nulls last, named.input_no, named.load_no, named.row_number
        ) > 1 as is_duplicate
    from named
    where named.reason is null and named.set_aside is null
),

marked_repeats as (
    select
        marked_duplicates.* exclude (is_duplicate),
        coalesce(
            marked_duplicates.stage_no = lag(marked_duplicates.stage_no) over (
                partition by marked_duplicates.lead_no
                order by
                    marked_duplicates.entered_at,
                    marked_duplicates.sequence nulls last,
                    marked_duplicates.path_order,
                    marked_duplicates.input_no,
                    marked_duplicates.load_no,
                    marked_duplicates.row_number
            ),
            false
        ) as is_repeat
    from marked_duplicates
    where not marked_duplicates.is_duplicate
)

select set_aside.*
from set_aside
union all
select marked_duplicates.* exclude (is_duplicate), 'duplicate'
from marked_duplicates
where marked_duplicates.is_duplicate
union all
select marked_repeats.* exclude (is_repeat), case when marked_repeats.is_repeat then 'repeat' else 'kept' end
from marked_repeats
