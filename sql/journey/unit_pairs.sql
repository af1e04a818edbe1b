-- One row per unit and pair that it opened: when it arrived at A, when at B, when above B (K1, K3).
-- key: unit, unit_id, pair_no
-- not null: from_at, from_date, is_closed
-- check: to_at >= from_at
-- check: above_at >= from_at
-- check: closed_at >= from_at
-- check: is_closed = (closed_at is not null)
-- column from_at: arrival at A; for leads and accounts the first ever
-- column to_at: first arrival at B at or after from_at
-- column above_at: first arrival above B's rank at or after from_at
-- column is_closed: the unit can no longer convert: its cycle ended, its lead is out, or all its leads are
-- column closed_at: since when (UTC): the cycle's end, the lead's entry into the exit or deletion, the latest of the account's leads
-- column lead_no: the lead whose entry starts the measure
-- column span_no: the stay that starts the measure
with
arrivals as (
    from journey.unit_arrivals
),

pairs as (
    from waterfall.pairs
),

marks as (
    from waterfall.marks
),

cycles as (
    from journey.cycles_narrow
),

spans as (
    from journey.spans_narrow
),

stages as (
    from waterfall.stages
),

leads as (
    from clean.leads
),

accounts as (
    from clean.accounts
),

starts as (
    select arrivals.*
    from arrivals
    qualify row_number() over (
        partition by arrivals.unit, arrivals.unit_id, arrivals.mark_no
        order by arrivals.arrived_at, arrivals.lead_no, arrivals.cycle_no
    ) = 1
),

opened as (
    select
        starts.unit,
        starts.unit_id,
        pairs.pair_no,
        pairs.to_mark_no,
        to_marks.high_rank as to_high_rank,
        starts.arrived_at as from_at,
        starts.arrived_date as from_date,
        starts.lead_no,
        starts.span_no
    from starts
    inner join pairs on pairs.from_mark_no = starts.mark_no
    inner join marks as to_marks on to_marks.mark_no = pairs.to_mark_no
),

later as (
    select
        opened.unit,
        opened.unit_id,
        opened.pair_no,
        min(arrivals.arrived_at) filter (where arrivals.mark_no = opened.to_mark_no) as to_at,
        min(arrivals.arrived_at) filter (
            where not arrivals.is_group and arrivals.low_rank > opened.to_high_rank
        ) as above_at
    from opened
    inner join arrivals
        on arrivals.unit = opened.unit and arrivals.unit_id = opened.unit_id and arrivals.arrived_at >= opened.from_at
    group by opened.unit, opened.unit_id, opened.pair_no
),

-- A lead that is in an exit stage now, or deleted, is out.
lead_ends as (
    select
        spans.lead_no,
        bool_or(spans.exit_kind = 'deleted' or (spans.exit_kind = 'open' and stages.kind = 'exit')) as is_closed,
        max(
            case
                when spans.exit_kind = 'deleted' then spans.exited_at
                when spans.exit_kind = 'open' and stages.kind = 'exit' then spans.entered_at
            end
        ) as closed_at
    from spans
    inner join stages on stages.stage_no = spans.stage_no
    group by spans.lead_no
),

closed as (
    select 'cycle' as unit, cycles.cycle_id as unit_id, cycles.outcome <> 'open' as is_closed, cycles.ended_at as closed_at
    from cycles
    union all
    select 'lead', cast(lead_ends.lead_no as bigint), lead_ends.is_closed, lead_ends.closed_at
    from lead_ends
    union all
    select
        'account',
        cast(accounts.account_no as bigint),
        bool_and(lead_ends.is_closed),
        case when bool_and(lead_ends.is_closed) then max(lead_ends.closed_at) end
    from lead_ends
    inner join leads on leads.lead_no = lead_ends.lead_no
    inner join accounts on accounts.account_id = leads.account_id
    group by accounts.account_no
)

select
    opened.unit,
    opened.unit_id,
    opened.pair_no,
    opened.from_at,
    opened.from_date,
    later.to_at,
    later.above_at,
    closed.is_closed,
    closed.closed_at,
    opened.lead_no,
    opened.span_no
from opened
inner join later
    on later.unit = opened.unit and later.unit_id = opened.unit_id and later.pair_no = opened.pair_no
inner join closed on closed.unit = opened.unit and closed.unit_id = opened.unit_id
