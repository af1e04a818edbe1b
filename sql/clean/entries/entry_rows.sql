-- One row per landed row of stage history, with its disposition: kept, or why it does not count (E1 to E10).
-- The first window finds exact duplicates, the second finds re-assertions of the same stage among the other rows. Both sort by a few
-- numbers that include every tie-break and carry no texts, which is faster (DECISIONS.md, "Numbers go through the windows, words
-- come back last").
-- A history too long for the memory is built in batches, so that no window sort spills to disk.
-- partition: lead_no, count(*) of clean.lead_ids, 900 bytes each
-- key: load_no, row_number
-- not null: disposition, words_key
-- accepted disposition: rejected, after_as_of, out_of_scope, duplicate, repeat, kept
-- check: (disposition = 'rejected') = (reason is not null)
-- check: (disposition in ('repeat', 'kept')) or (previous_stage_no is null and last_rank is null)
-- column own_no: number of the id as delivered, before merges
-- column old_stage_no: number of the stage before, as the row states it; 0 = no alias matches; null = the row states none
-- column record_created_at: moment (UTC) when the record was created, if the row states it
-- column place_no: position among rows of one instant: by the chain of old values, else the input's sequence; null = neither (E5)
-- column order_no: order of rows of a lead at one instant: by rank (off-path last), then by input; ties by load and row (E5)
-- column words_key: description key: the row of clean.entry_words with the texts of the row
-- column disposition: kept, or why the row does not count
-- column reason: why it was rejected
-- column previous_stage_no: stage of the lead before; null = none yet, or the lead was deleted since
-- column last_rank: rank of the last span before, holds left out; 32767 after a detour or an exit; null = none yet, or none since the deletion
with
run as (from waterfall.run),
codes as (from clean.entry_codes),
places as (from clean.instant_places),
less_exact as (from clean.less_exact_rows),
recorded_also as (from clean.recorded_also),

loads as (
    select loads.* from clean.loads as loads where loads.table_name = 'stage_entries'
),

stages as (from waterfall.stages),

lead_ids as (from clean.lead_ids),

scoped as (
    select leads.lead_no from clean.leads as leads where not leads.is_in_scope
),

deleted as (
    select leads.lead_no, leads.deleted_at from clean.leads as leads where leads.deleted_at is not null
),

-- Ranks are dense and small; a detour or an exit ranks above all of them, and a hold has no rank (C2).
ranked as (
    select
        stages.stage_no,
        case stages.kind when 'path' then stages.rank when 'hold' then null else 32767 end as rank_or_end,
        cast(coalesce(stages.rank, 32767) as integer) as path_order
    from stages
),

-- Rank and input make one number, load and row another: a load has fewer than 2^33 rows.
named as (
    select
        codes.load_no,
        codes.row_number,
        lead_ids.lead_no,
        codes.own_no,
        codes.stage_no,
        codes.old_stage_no,
        ranked.rank_or_end,
        codes.entered_at,
        codes.record_created_at,
        coalesce(places.place_no, codes.sequence) as place_no,
        coalesce(places.visit_no, 1) as visit_no,
        coalesce(ranked.path_order, 0) * 65536 + loads.input_no as order_no,
        cast(codes.load_no as bigint) * 8589934592 + codes.row_number as delivery_no,
        codes.words_key,
        coalesce(codes.entered_at > deleted.deleted_at, false) as is_after_deletion,
        case
            when codes.stage_no is null then 'unknown_stage'
            when codes.entered_at > run.as_of + interval 1 year then 'time_out_of_range'
        end as reason,
        case
            when codes.stage_no is null or codes.entered_at > run.as_of + interval 1 year then 'rejected'
            when codes.entered_at > run.as_of then 'after_as_of'
            when scoped.lead_no is not null then 'out_of_scope'
            when less_exact.load_no is not null or recorded_also.load_no is not null then 'duplicate'
        end as set_aside
    from codes
    cross join run
    inner join loads on loads.load_no = codes.load_no
    inner join lead_ids on lead_ids.own_no = codes.own_no
    left join scoped on scoped.lead_no = lead_ids.lead_no
    left join deleted on deleted.lead_no = lead_ids.lead_no
    left join ranked on ranked.stage_no = codes.stage_no
    left join places on places.load_no = codes.load_no and places.row_number = codes.row_number
    left join less_exact on less_exact.load_no = codes.load_no and less_exact.row_number = codes.row_number
    left join recorded_also
        on recorded_also.load_no = codes.load_no and recorded_also.row_number = codes.row_number
),

-- Rows set aside have partitions of their own: this needs one pass, a filter and a union would need three.
marked as (
    select
        named.* exclude (set_aside, visit_no),
        case
            when named.set_aside is not null then named.set_aside
            when row_number() over (
                partition by named.lead_no, named.stage_no, named.entered_at, named.visit_no, named.set_aside is null
                order by named.place_no nulls last, named.order_no, named.delivery_no
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
    -- Nothing before a deletion counts after it (E10).
    window lead_order as (
        partition by marked.lead_no, marked.set_aside is null, marked.is_after_deletion
        order by marked.entered_at, marked.place_no nulls last, marked.order_no, marked.delivery_no
    )
)

select
    followed.load_no,
    followed.row_number,
    followed.lead_no,
    followed.own_no,
    followed.stage_no,
    followed.old_stage_no,
    followed.entered_at,
    followed.record_created_at,
    followed.place_no,
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
