-- One row per accepted stage entry, with the entries before and after it: the fact table behind clean.stage_entries (integer keys).
-- Everything that depends on the order of a lead's entries is computed here in one pass, because each further pass would be another
-- sort. That includes the run along the path (C1, C2): an entry opens the next run if it is on the path and below last_rank.
-- A history too long for the memory is built in batches, so that no window sort spills to disk.
-- partition: lead_no, count(*) of clean.entry_rows, 200 bytes each
-- key: lead_no, entry_no
-- not null: stage_no, entered_at, entered_date, own_no, basis, run_no
-- accepted basis: observed, inferred
-- check: next_entered_at >= entered_at
-- check: (next_stage_no is null) = (next_entered_at is null)
-- check: entry_no > 1 or previous_stage_no is null
-- column entry_no: 1, 2 … in the order in which the lead entered (E5)
-- column own_no: number of the lead id as delivered, before merges
-- column words_key: description key: the row of clean.entry_words with the texts of the row; null where inferred
-- column basis: observed = recorded in history; inferred = from the lead's creation (E9)
-- column load_no: load of the row; for an inferred entry, of the row that states its stage
-- column row_number: its row
-- column previous_stage_no: stage of the entry before; null = none, or the lead was deleted in between
-- column next_entered_at: moment (UTC) of the next entry
-- column next_entered_date: local date of the next entry
-- column run_no: run along the path: 1, 2 …; 0 before the first path stage
with
kept as (
    select rows.* from clean.entry_rows as rows where rows.disposition = 'kept'
),

created as (from clean.creation_entries),
stages as (from waterfall.stages),
zone_days as (from waterfall.zone_days),

accepted as (
    select
        kept.lead_no,
        kept.own_no,
        kept.stage_no,
        kept.entered_at,
        kept.place_no,
        kept.order_no,
        cast(kept.load_no as bigint) * 8589934592 + kept.row_number as delivery_no,
        kept.words_key,
        'observed' as basis,
        kept.load_no,
        kept.row_number,
        coalesce(kept.previous_stage_no, created.stage_no) as previous_stage_no,
        coalesce(kept.last_rank, created.rank_or_end) as last_rank
    from kept
    -- The entry at creation comes before all others, unless the lead was deleted in between.
    left join created
        on created.lead_no = kept.lead_no
        and (created.deleted_at is null or kept.entered_at <= created.deleted_at)
    union all
    select
        created.lead_no,
        created.own_no,
        created.stage_no,
        created.entered_at,
        null,
        0,
        0,
        null,
        'inferred',
        created.load_no,
        created.row_number,
        null,
        null
    from created
),

dated as (
    select
        accepted.* exclude (last_rank),
        cast(
            accepted.entered_at + to_seconds(
                case when accepted.entered_at < zone_days.changes_at or zone_days.changes_at is null
                    then zone_days.offset_before_s else zone_days.offset_after_s end
            ) as date
        ) as entered_date,
        stages.kind = 'path' and stages.rank < coalesce(accepted.last_rank, 32767) as opens_run
    from accepted
    inner join stages on stages.stage_no = accepted.stage_no
    inner join zone_days on zone_days.utc_date = cast(accepted.entered_at as date)
)

select
    dated.lead_no,
    cast(row_number() over lead_order as integer) as entry_no,
    dated.own_no,
    dated.stage_no,
    dated.entered_at,
    dated.entered_date,
    dated.words_key,
    dated.basis,
    dated.load_no,
    dated.row_number,
    dated.previous_stage_no,
    cast(lead(dated.stage_no) over lead_order as smallint) as next_stage_no,
    lead(dated.entered_at) over lead_order as next_entered_at,
    lead(dated.entered_date) over lead_order as next_entered_date,
    cast(count(*) filter (where dated.opens_run) over (lead_order rows unbounded preceding) as integer) as run_no
from dated
window lead_order as (partition by dated.lead_no order by dated.entered_at, dated.place_no nulls last, dated.order_no, dated.delivery_no)
