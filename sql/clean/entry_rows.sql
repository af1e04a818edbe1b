-- One row per landed row of stage history, with what became of it (E1 to E8).
-- Two windows: the first finds exact duplicates, the second re-assertions among what is left. Both sort by one number that
-- holds every tie-break and carry no words: with the keys side by side and the words along, they took seven times as long
-- (DECISIONS.md, "One number breaks every tie").
-- key: load_no, row_number
-- not null: disposition, words_key
-- accepted disposition: rejected, after_as_of, out_of_scope, duplicate, repeat, kept
-- check: (disposition = 'rejected') = (reason is not null)
-- check: (disposition in ('repeat', 'kept')) or (previous_stage_no is null and last_rank is null)
-- column own_no: number of the id as delivered, before merges
-- column order_no: order of rows of a lead at one instant: rank (off-path last), input, load, row (E5)
-- column words_key: what the row says in words: a row of clean.entry_words
-- column disposition: what became of the row
-- column reason: why it was rejected
-- column previous_stage_no: where the lead was before; null = nowhere yet
-- column last_rank: rank of the last stay before that was no hold; 32767 after a detour or an exit
with
run as (
    from waterfall.run
),

delivered as (
    from raw.stage_entries
),

loads as (
    select loads.* from clean.loads as loads where loads.table_name = 'stage_entries'
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

scoped as (
    select leads.lead_no from clean.leads as leads where not leads.is_in_scope
),

placed as (
    select loads.load_no, row_number() over (order by loads.input_no, loads.load_no) as load_place
    from loads
),

-- Ranks are dense and small; a detour or an exit stands above all of them, a hold is looked through (C2).
ranked as (
    select
        aliases.alias,
        stages.stage_no,
        case stages.kind when 'path' then stages.rank when 'hold' then null else 32767 end as rank_or_end,
        least(cast(coalesce(stages.rank, 1023) as bigint), 1023) as path_order
    from aliases
    inner join stages on stages.stage_no = aliases.stage_no
),

-- 10 bits of rank, 20 of load, 33 of row.
named as (
    select
        delivered.load_no,
        delivered.row_number,
        lead_ids.lead_no,
        lead_ids.own_no,
        ranked.stage_no,
        ranked.rank_or_end,
        delivered.entered_at,
        delivered.sequence,
        coalesce(ranked.path_order, 0) * 9007199254740992 + placed.load_place * 8589934592 + delivered.row_number as order_no,
        hash(delivered.owner, delivered.source_system, delivered.given) as words_key,
        case
            when ranked.stage_no is null then 'unknown_stage'
            when delivered.entered_at > run.as_of + interval 1 year then 'time_out_of_range'
        end as reason,
        case
            when ranked.stage_no is null or delivered.entered_at > run.as_of + interval 1 year then 'rejected'
            when delivered.entered_at > run.as_of then 'after_as_of'
            when scoped.lead_no is not null then 'out_of_scope'
        end as set_aside
    from delivered
    cross join run
    inner join placed on placed.load_no = delivered.load_no
    inner join lead_ids on lead_ids.lead_id = delivered.lead_id
    left join scoped on scoped.lead_no = lead_ids.lead_no
    left join ranked on ranked.alias = delivered.stage_alias
),

-- What was set aside stands in partitions of its own: one pass, where a filter and a union would be three.
marked as (
    select
        named.* exclude (set_aside),
        case
            when named.set_aside is not null then named.set_aside
            when row_number() over (
                partition by named.lead_no, named.stage_no, named.entered_at, named.set_aside is null
                order by named.sequence nulls last, named.order_no
            ) > 1 then 'duplicate'
        end as set_aside
    from named
),

followed as (
    select
        marked.*,
        lag(marked.stage_no) over lead_order as stage_before,
        last_value(marked.rank_or_end ignore nulls) over (
            lead_order rows between unbounded preceding and 1 preceding
        ) as rank_before
    from marked
    window lead_order as (
        partition by marked.lead_no, marked.set_aside is null
        order by marked.entered_at, marked.sequence nulls last, marked.order_no
    )
)

select
    followed.load_no,
    followed.row_number,
    followed.lead_no,
    followed.own_no,
    followed.stage_no,
    followed.entered_at,
    followed.sequence,
    followed.order_no,
    followed.words_key,
    case
        when followed.set_aside is not null then followed.set_aside
        when followed.stage_no = followed.stage_before then 'repeat'
        else 'kept'
    end as disposition,
    followed.reason,
    case when followed.set_aside is null then followed.stage_before end as previous_stage_no,
    cast(case when followed.set_aside is null then followed.rank_before end as smallint) as last_rank
from followed
