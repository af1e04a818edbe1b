-- One row per lead that is in a stage now, with the stage that counts for its account (A3).
-- A lead on hold counts in the path stage before the hold, so a customer on hold is still a customer. After a detour, an exit or a
-- deletion there is no such stage, and the lead counts in its hold.
-- key: lead_no
-- not null: span_no, stage_no, since_at
-- column span_no: its open span
-- column stage_no: the stage in which it counts
-- column since_at: entry (UTC) into that stage, time on hold included
with
spans as (from journey.spans_facts),
stages as (from waterfall.stages),

open_spans as (
    select spans.lead_no, spans.span_no, spans.stage_no, spans.entered_at, stages.kind
    from spans
    inner join stages on stages.stage_no = spans.stage_no
    where spans.exited_at is null
),

on_hold as (
    select open_spans.lead_no from open_spans where open_spans.kind = 'hold'
),

before_hold as (
    select
        spans.lead_no,
        max(spans.span_no) filter (where stages.kind <> 'hold') as span_no,
        max(spans.span_no) filter (where spans.exit_kind = 'deleted') as deleted_no
    from spans
    inner join on_hold on on_hold.lead_no = spans.lead_no
    inner join stages on stages.stage_no = spans.stage_no
    group by spans.lead_no
),

interrupted as (
    select before_hold.lead_no, spans.stage_no, spans.entered_at
    from before_hold
    inner join spans on spans.lead_no = before_hold.lead_no and spans.span_no = before_hold.span_no
    inner join stages on stages.stage_no = spans.stage_no and stages.kind = 'path'
    where coalesce(before_hold.deleted_no, 0) < before_hold.span_no
)

select
    open_spans.lead_no,
    open_spans.span_no,
    coalesce(interrupted.stage_no, open_spans.stage_no) as stage_no,
    coalesce(interrupted.entered_at, open_spans.entered_at) as since_at
from open_spans
left join interrupted on interrupted.lead_no = open_spans.lead_no
