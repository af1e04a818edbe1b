-- One row per open stay on a path or hold stage, the last path stage excepted: the to-do list.
-- T5: sla_state is open_within or open_overdue, for limits on the calendar clock; null where the stage has none.
-- key: lead_id
-- not null: stage, entered_at, age_days
-- accepted sla_state: open_within, open_overdue
-- check: age_days >= 0
-- column owner: owner when the lead entered the stage
-- column current_owner: owner now: of the lead, else of its latest entry that names one
-- column age_days: days in the stage at as-of
-- column overdue_hours: hours past the limit
with
run as (
    from waterfall.run
),

stages as (
    from waterfall.stages
),

spans as (
    select spans.* from journey.spans_narrow as spans where spans.exited_at is null
),

entries as (
    from clean.stage_entries
),

leads as (
    from clean.leads
),

last_owners as (
    select entries.lead_no, arg_max(entries.owner, entries.entry_no) as owner
    from entries
    where entries.owner is not null
    group by entries.lead_no
),

aged as (
    select
        leads.lead_id,
        leads.account_id,
        stages.stage,
        entries.owner,
        coalesce(leads.owner, last_owners.owner) as current_owner,
        spans.entered_at,
        epoch_us(run.as_of) - epoch_us(spans.entered_at) as us_age,
        case when stages.sla_clock = 'calendar' then stages.sla_seconds * 1000000 end as us_limit,
        spans.lead_no,
        spans.span_no,
        spans.cycle_no
    from spans
    cross join run
    inner join stages on stages.stage_no = spans.stage_no
    inner join entries on entries.lead_no = spans.lead_no and entries.entry_no = spans.span_no
    inner join leads on leads.lead_no = spans.lead_no
    left join last_owners on last_owners.lead_no = spans.lead_no
    where stages.kind = 'hold' or (stages.kind = 'path' and not stages.is_last)
)

select
    aged.lead_id,
    aged.account_id,
    aged.stage,
    aged.owner,
    aged.current_owner,
    aged.entered_at,
    aged.us_age / 86400000000 as age_days,
    case
        when aged.us_limit is null then null
        when aged.us_age > aged.us_limit then 'open_overdue'
        else 'open_within'
    end as sla_state,
    case when aged.us_age > aged.us_limit then (aged.us_age - aged.us_limit) / 3600000000 end as overdue_hours,
    aged.cycle_no,
    aged.span_no,
    aged.lead_no
from aged
order by aged.entered_at, aged.lead_no
