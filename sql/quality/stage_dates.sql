-- One row per finding and stage: dates that deserve a second look before the numbers are believed.
-- key: finding, stage
-- not null: leads, entries, examples
-- accepted finding: skipped, regressed, same_second, bulk_stamp, future_dated, gate_holding, dst_gap, dst_overlap
-- column finding: what was found
-- column stage: the stage entered, left (skipped, regressed) or held in (gate_holding)
-- column entries: rows or stays concerned
-- column leads: leads concerned
-- column share: leads concerned / leads that had entered the stage by as-of; future-dated ones come on top
-- column examples: up to five lead ids, the first in order
with
run as (
    from waterfall.run
),

stages as (
    from waterfall.stages
),

spans as (
    from journey.spans_narrow
),

leads as (
    from clean.leads
),

entry_rows as (
    from clean.entry_rows
),

delivered as (
    from raw.stage_entries
),

-- Fifty leads or more into one stage within one minute: a script, not people.
bulk_minutes as (
    select spans.stage_no, date_trunc('minute', spans.entered_at) as minute
    from spans
    group by spans.stage_no, date_trunc('minute', spans.entered_at)
    having count(distinct spans.lead_no) >= 50
),

followed as (
    select
        spans.*,
        lag(spans.entered_at) over (partition by spans.lead_no order by spans.span_no) = spans.entered_at as is_same_second
    from spans
),

found as (
    select 'skipped' as finding, spans.stage_no, spans.lead_no from spans where spans.skipped
    union all
    select 'regressed', spans.stage_no, spans.lead_no from spans where spans.exit_kind = 'regressed'
    union all
    select 'same_second', followed.stage_no, followed.lead_no from followed where followed.is_same_second
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
    select 'gate_holding', spans.stage_no, spans.lead_no
    from spans
    cross join run
    inner join stages on stages.stage_no = spans.stage_no
    where stages.is_gate and coalesce(spans.exited_at, run.as_of) > spans.entered_at + interval 1 minute
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
