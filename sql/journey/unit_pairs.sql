-- One row per unit and pair that it opened: when it arrived at A, when at B, when above B (K1, K3).
-- The arrivals of a unit stand in one list, and each pair is read off it: a join of the arrivals with themselves took
-- longer and more memory (DECISIONS.md, "Numbers go through the windows, words come back last").
-- key: unit, unit_id, pair_no
-- not null: from_at, from_date, is_closed, cut_set
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
-- column cut_set: the cuts of that stay
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

members as (
    from journey.account_members
),

-- A group arrives with its first member, so only stages are above a rank.
lives as (
    select
        arrivals.unit,
        arrivals.unit_id,
        arrivals.unit_key,
        list({
            'mark_no': arrivals.mark_no,
            'height': case when not arrivals.is_group then arrivals.low_rank end,
            'at': arrivals.arrived_at,
            'day': arrivals.arrived_date,
            'tie_no': arrivals.tie_no,
            'lead_no': arrivals.lead_no,
            'span_no': arrivals.span_no,
            'cut_set': arrivals.cut_set
        }) as arrived
    from arrivals
    group by arrivals.unit, arrivals.unit_id, arrivals.unit_key
),

each_arrival as (
    select lives.*, unnest(lives.arrived) as start
    from lives
),

-- The first arrival at its stage or group: none before it, nor at the same instant with a lower number.
starts as (
    select each_arrival.*
    from each_arrival
    where len([
        arrival.at for arrival in each_arrival.arrived
        if arrival.mark_no = each_arrival.start.mark_no
            and (
                arrival.at < each_arrival.start.at
                or (arrival.at = each_arrival.start.at and arrival.tie_no < each_arrival.start.tie_no)
            )
    ]) = 0
),

opened as (
    select
        starts.unit,
        starts.unit_id,
        starts.unit_key,
        pairs.pair_no,
        starts.start.at as from_at,
        starts.start.day as from_date,
        list_min([
            arrival.at for arrival in starts.arrived
            if arrival.mark_no = pairs.to_mark_no and arrival.at >= starts.start.at
        ]) as to_at,
        list_min([
            arrival.at for arrival in starts.arrived
            if arrival.height > to_marks.high_rank and arrival.at >= starts.start.at
        ]) as above_at,
        starts.start.lead_no as lead_no,
        starts.start.span_no as span_no,
        starts.start.cut_set as cut_set
    from starts
    inner join pairs on pairs.from_mark_no = starts.start.mark_no
    inner join marks as to_marks on to_marks.mark_no = pairs.to_mark_no
),

-- A lead that is in an exit stage now, or deleted, is out.
lead_ends as (
    select
        spans.lead_no,
        case
            when spans.exit_kind = 'deleted' then spans.exited_at
            when stages.kind = 'exit' then spans.entered_at
        end as closed_at
    from spans
    inner join stages on stages.stage_no = spans.stage_no
    where spans.exit_kind in ('open', 'deleted')
),

closed as (
    select cycles.cycle_id as unit_key, cycles.ended_at as closed_at
    from cycles
    union all
    select 1152921504606846976 + lead_ends.lead_no, lead_ends.closed_at
    from lead_ends
    union all
    select
        2305843009213693952 + members.account_no,
        case when count(*) = count(lead_ends.closed_at) then max(lead_ends.closed_at) end
    from lead_ends
    inner join members on members.lead_no = lead_ends.lead_no
    group by members.account_no
)

select
    opened.unit,
    opened.unit_id,
    opened.pair_no,
    opened.from_at,
    opened.from_date,
    opened.to_at,
    opened.above_at,
    closed.closed_at is not null as is_closed,
    closed.closed_at,
    opened.lead_no,
    opened.span_no,
    opened.cut_set
from opened
inner join closed on closed.unit_key = opened.unit_key
