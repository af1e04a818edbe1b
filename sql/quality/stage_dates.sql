-- One row per finding and stage: dates to review before the numbers are used.
-- unit: leads
-- basis: all history; skipped and moved back: the stage that was left
-- denominator: leads that had entered the stage by as-of
-- key: finding, stage
-- not null: leads, entries, examples
-- accepted finding: skipped, regressed, reopened, restored, off_path_move, same_second, bulk_stamp, weekend_entry, last_minute, future_dated, after_delivery, gate_holding, interrupted_by_unknown_stage, dst_gap, dst_overlap
-- column finding: what was found
-- column stage: the stage entered, left (skipped, regressed, reopened, off_path_move, last_minute), held in (gate_holding, interrupted_by_unknown_stage) or ended in (same_second)
-- column entries: rows or spans concerned; for same_second, chains: two or more entries of a lead in one second are one chain
-- column leads: leads concerned
-- column share: leads concerned / leads that had entered the stage by as-of; future-dated leads are added to these
-- column examples: up to five lead ids, the first by id
with
run as (from waterfall.run),
stages as (from waterfall.stages),
spans as (from journey.spans_facts),
interrupted as (from journey.interrupted_stays),
words as (from clean.entry_words),
loads as (from clean.loads),
leads as (from clean.leads),
entry_rows as (from clean.entry_rows),
delivered as (from raw.stage_entries),

-- Fifty or more leads enter one stage within one minute: a script, not people.
bulk_minutes as (
    select spans.stage_no, date_trunc('minute', spans.entered_at) as minute
    from spans
    group by spans.stage_no, date_trunc('minute', spans.entered_at)
    having count(distinct spans.lead_no) >= 50
),

chains as (
    select
        spans.lead_no,
        date_trunc('second', spans.entered_at) as second,
        arg_max(spans.stage_no, spans.span_no) as stage_no
    from spans
    group by spans.lead_no, date_trunc('second', spans.entered_at)
    having count(*) >= 2
),

-- Owners who work on weekdays: at least twenty entries on weekdays, and fewer than 5 % of all their entries at a weekend.
office_owners as (
    select words.owner
    from spans
    inner join words on words.words_key = spans.words_key
    where words.owner is not null
    group by words.owner
    having
        count(*) filter (where isodow(spans.entered_date) < 6) >= 20
        and 20 * count(*) filter (where isodow(spans.entered_date) >= 6) < count(*)
),

-- Left in the last 15 minutes before the SLA ends, or exactly then: the clock may have decided.
last_minutes as (
    select spans.stage_no, spans.lead_no
    from spans
    inner join stages on stages.stage_no = spans.stage_no and stages.sla_clock = 'calendar'
    where
        spans.next_stage_no is not null
        and spans.exited_at <= spans.entered_at + to_seconds(stages.sla_seconds)
        and spans.exited_at >= spans.entered_at + to_seconds(stages.sla_seconds) - interval 15 minute
),

found as (
    select 'skipped' as finding, spans.stage_no, spans.lead_no from spans where spans.skipped
    union all
    select 'regressed', spans.stage_no, spans.lead_no from spans where spans.exit_kind = 'regressed'
    union all
    select 'reopened', spans.stage_no, spans.lead_no
    from spans
    inner join stages on stages.stage_no = spans.stage_no
    where stages.kind = 'exit' and spans.exit_kind = 'returned'
    union all
    select 'restored', spans.stage_no, spans.lead_no from spans where spans.arrival_kind = 'restored'
    union all
    select 'off_path_move', spans.stage_no, spans.lead_no
    from spans
    inner join stages on stages.stage_no = spans.stage_no
    where stages.kind <> 'path' and spans.exit_kind in ('held', 'detoured', 'exited')
    union all
    select 'same_second', chains.stage_no, chains.lead_no from chains
    union all
    select 'weekend_entry', spans.stage_no, spans.lead_no
    from spans
    inner join words on words.words_key = spans.words_key
    inner join office_owners on office_owners.owner = words.owner
    where isodow(spans.entered_date) >= 6
    union all
    select 'last_minute', last_minutes.stage_no, last_minutes.lead_no from last_minutes
    union all
    select 'bulk_stamp', spans.stage_no, spans.lead_no
    from spans
    inner join bulk_minutes
        on bulk_minutes.stage_no = spans.stage_no and bulk_minutes.minute = date_trunc('minute', spans.entered_at)
    union all
    select 'future_dated', entry_rows.stage_no, entry_rows.lead_no
    from entry_rows
    inner join leads on leads.lead_no = entry_rows.lead_no
    where entry_rows.disposition = 'after_as_of' and leads.is_in_scope
    union all
    select 'after_delivery', entry_rows.stage_no, entry_rows.lead_no
    from entry_rows
    inner join loads on loads.load_no = entry_rows.load_no
    inner join leads on leads.lead_no = entry_rows.lead_no
    where
        entry_rows.disposition <> 'rejected'
        and leads.is_in_scope
        and entry_rows.entered_at > loads.recorded_at
    union all
    select 'gate_holding', spans.stage_no, spans.lead_no
    from spans
    cross join run
    inner join stages on stages.stage_no = spans.stage_no
    where stages.is_gate and coalesce(spans.exited_at, run.as_of) > spans.entered_at + interval 1 minute
    union all
    select 'interrupted_by_unknown_stage', interrupted.stage_no, interrupted.lead_no from interrupted
    union all
    select 'dst_' || delivered.time_note, entry_rows.stage_no, entry_rows.lead_no
    from delivered
    inner join entry_rows on entry_rows.load_no = delivered.load_no and entry_rows.row_number = delivered.row_number
    where delivered.time_note is not null and entry_rows.disposition = 'kept'
),

counted as (
    select
        found.finding,
        found.stage_no,
        count(*) as entries,
        count(distinct found.lead_no) as leads,
        list_slice(list_sort(list(distinct leads.lead_id)), 1, 5) as examples
    from found
    inner join leads on leads.lead_no = found.lead_no
    group by found.finding, found.stage_no
),

entered as (
    select spans.stage_no, count(distinct spans.lead_no) as leads
    from spans
    group by spans.stage_no
)

select
    counted.finding,
    stages.stage,
    counted.leads,
    counted.entries,
    counted.leads / nullif(cast(entered.leads as double), 0) as share,
    counted.examples
from counted
inner join stages on stages.stage_no = counted.stage_no
left join entered on entered.stage_no = counted.stage_no
order by counted.finding, counted.stage_no
