-- The spans of one lead in time order, with cycle, length and owner; the id of a merged lead returns the history of its survivor.
-- argument lead_id: id of the lead in its source
-- example: from lead_history('00Q8d0000000AfI')
with
asked as materialized (
    select lead_id as asked_id
),

found as materialized (
    select coalesce(
        (select min(ids.survivor_id) from clean.lead_ids as ids inner join asked on ids.lead_id = asked.asked_id),
        error('the published file has no lead with this id')
    ) as survivor_id
)

select
    spans.lead_id,
    spans.span_no,
    spans.cycle_no,
    spans.stage,
    spans.entered_at,
    spans.exited_at,
    (epoch_us(coalesce(spans.exited_at, run.as_of)) - epoch_us(spans.entered_at)) / 86400000000 as days,
    spans.exit_kind,
    spans.skipped,
    spans.next_stage,
    spans.owner
from found
inner join journey.stage_spans as spans on spans.lead_id = found.survivor_id
cross join waterfall.run as run
order by spans.span_no
