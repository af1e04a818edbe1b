-- One row per span in a stage with an SLA: its length on the clock of that SLA, and its SLA state (T5).
-- Business time is the time within the rows of waterfall.work_days (T4). The model computes the working time up to each instant; the
-- business time between two instants is the difference.
-- key: lead_no, span_no
-- not null: stage_no, entered_date, elapsed_seconds, limit_seconds, sla_state, left_at_the_last_minute
-- accepted sla_state: met, breached, open_within, open_overdue
-- check: elapsed_seconds >= 0
-- check: (sla_state in ('met', 'open_within')) = (elapsed_seconds <= limit_seconds)
-- column elapsed_seconds: length of the span, or its age at as-of, in seconds of the SLA clock
-- column limit_seconds: the SLA, in seconds of the same clock
-- column sla_state: met, breached (left too late), open_within, open_overdue
-- column due_at: moment (UTC) at which the SLA ends; null if the working calendar ends before
-- column left_at_the_last_minute: left in the last 15 minutes before due_at
with
run as (from waterfall.run),

stages as (
    select stages.* from waterfall.stages where stages.sla_seconds is not null
),

spans as (from journey.spans_facts),

work_days as (
    select
        work_days.opens_at,
        work_days.closes_at,
        work_days.seconds_before * 1000000 as us_before
    from waterfall.work_days
),

limited as (
    select
        spans.lead_no,
        spans.span_no,
        spans.stage_no,
        spans.entered_at,
        spans.exited_at,
        spans.entered_date,
        spans.words_key,
        spans.slice_set,
        coalesce(spans.exited_at, run.as_of) as ended_at,
        stages.sla_clock,
        stages.sla_seconds,
        stages.sla_seconds * 1000000 as us_limit
    from spans
    cross join run
    inner join stages on stages.stage_no = spans.stage_no
),

entered as (
    select
        limited.*,
        coalesce(
            work_days.us_before
            + epoch_us(least(limited.entered_at, work_days.closes_at)) - epoch_us(work_days.opens_at),
            0
        ) as us_at_entry
    from limited
    asof left join work_days on limited.entered_at >= work_days.opens_at
),

ended as (
    select
        entered.*,
        coalesce(
            work_days.us_before
            + epoch_us(least(entered.ended_at, work_days.closes_at)) - epoch_us(work_days.opens_at),
            0
        ) as us_at_end,
        entered.us_at_entry + entered.us_limit as us_at_due
    from entered
    asof left join work_days on entered.ended_at >= work_days.opens_at
),

-- The first instant at which the SLA is used up: the close of a day, not the opening of the next.
due as (
    select
        ended.*,
        case ended.sla_clock
            when 'calendar' then epoch_us(ended.ended_at) - epoch_us(ended.entered_at)
            else ended.us_at_end - ended.us_at_entry
        end as us_elapsed,
        case
            when ended.sla_clock = 'calendar' then ended.entered_at + to_microseconds(ended.us_limit)
            when work_days.opens_at + to_microseconds(ended.us_at_due - work_days.us_before) <= work_days.closes_at
                then work_days.opens_at + to_microseconds(ended.us_at_due - work_days.us_before)
        end as due_at
    from ended
    asof left join work_days on ended.us_at_due > work_days.us_before
)

select
    due.lead_no,
    due.span_no,
    due.stage_no,
    due.entered_at,
    due.exited_at,
    due.entered_date,
    due.words_key,
    due.slice_set,
    due.us_elapsed / 1000000 as elapsed_seconds,
    due.sla_seconds as limit_seconds,
    case
        when due.exited_at is null then case when due.us_elapsed > due.us_limit then 'open_overdue' else 'open_within' end
        else case when due.us_elapsed > due.us_limit then 'breached' else 'met' end
    end as sla_state,
    due.due_at,
    coalesce(due.exited_at between due.due_at - interval 15 minutes and due.due_at, false) as left_at_the_last_minute
from due
