-- One row per open span in a path or hold stage of a cycle that is not completed: the to-do list.
-- A customer is not waiting, whatever its stage (A3).
-- sla_state is open_within or open_overdue, on the clock of the SLA; null if the stage has no SLA (T5).
-- key: lead_id
-- not null: stage, entered_at, entered_date, age_days
-- accepted sla_state: open_within, open_overdue
-- check: age_days >= 0
-- column owner: owner when the lead entered the stage
-- column current_owner: owner now: from the lead, else from its latest entry or re-assertion that names one
-- column age_days: days in the stage at as-of
-- column overdue_hours: hours past the SLA, on its clock
-- column due_at: moment (UTC) at which the SLA ends
with
run as (from waterfall.run),
stages as (from waterfall.stages),

spans as (
    select spans.* from journey.spans_facts as spans where spans.exited_at is null
),

entry_rows as (
    select entry_rows.* from clean.entry_rows as entry_rows where entry_rows.disposition in ('kept', 'repeat')
),

cycles as (from journey.cycles_facts),
words as (from clean.entry_words),
leads as (from clean.leads),
span_sla as (from journey.span_sla),

-- A re-assertion is not a move, but the owner in it has the lead from then on (E6).
last_owners as (
    select
        entry_rows.lead_no,
        arg_max(
            words.owner,
            (
                entry_rows.entered_at,
                coalesce(entry_rows.place_no, 9223372036854775807),
                entry_rows.order_no,
                entry_rows.load_no,
                entry_rows.row_number
            )
        ) as owner
    from entry_rows
    inner join spans on spans.lead_no = entry_rows.lead_no
    inner join words on words.words_key = entry_rows.words_key
    where words.owner is not null
    group by entry_rows.lead_no
),

aged as (
    select
        leads.lead_id,
        leads.account_id,
        stages.stage,
        words.owner,
        coalesce(leads.owner, last_owners.owner) as current_owner,
        spans.entered_at,
        spans.entered_date,
        epoch_us(run.as_of) - epoch_us(spans.entered_at) as us_age,
        span_sla.sla_state,
        span_sla.due_at,
        span_sla.elapsed_seconds - span_sla.limit_seconds as seconds_over,
        spans.lead_no,
        spans.span_no,
        spans.cycle_no
    from spans
    cross join run
    inner join stages on stages.stage_no = spans.stage_no
    inner join leads on leads.lead_no = spans.lead_no
    left join words on words.words_key = spans.words_key
    left join span_sla on span_sla.lead_no = spans.lead_no and span_sla.span_no = spans.span_no
    left join last_owners on last_owners.lead_no = spans.lead_no
    left join cycles on cycles.lead_no = spans.lead_no and cycles.cycle_no = spans.cycle_no
    where stages.kind in ('path', 'hold') and cycles.outcome is distinct from 'completed'
)

select
    aged.lead_id,
    aged.account_id,
    aged.stage,
    aged.owner,
    aged.current_owner,
    aged.entered_at,
    aged.entered_date,
    aged.us_age / 86400000000 as age_days,
    aged.sla_state,
    case when aged.sla_state = 'open_overdue' then aged.seconds_over / 3600 end as overdue_hours,
    aged.due_at,
    aged.cycle_no,
    aged.span_no,
    aged.lead_no
from aged
order by aged.entered_at, aged.lead_id
