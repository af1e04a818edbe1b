-- One row per unit and pair that it opened: when it arrived at A, when at B, when above B (K1, K3).
-- The arrivals of a unit stand in one list, and each pair is read off it: a join of the arrivals with themselves took four
-- times as long and three times the memory (DECISIONS.md, "Numbers go through the windows, words come back last").
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
        arrivals.unit_key,
        list({
            'mark_no': arrivals.mark_no,
            'height': case when not arrivals.is_group then arrivals.low_rank end,
            'at': arrivals.arrived_at
        }) as arrived
    from arrivals
    group by arrivals.unit_key
),

starts as (
    select
        arrivals.unit,
        arrivals.unit_id,
        arrivals.unit_key,
        arrivals.mark_no,
        arrivals.arrived_at,
        arrivals.arrived_date,
        arrivals.lead_no,
        arrivals.span_no,
        arrivals.cut_set
    from arrivals
    qualify row_number() over (
        partition by arrivals.unit_key, arrivals.mark_no
        order by arrivals.arrived_at, arrivals.tie_no
    ) = 1
),

opened as (
    select
        starts.unit,
        starts.unit_id,
        starts.unit_key,
        pairs.pair_no,
        starts.arrived_at as from_at,
        starts.arrived_date as from_date,
        list_min([
            arrival.at for arrival in lives.arrived
            if arrival.mark_no = pairs.to_mark_no and arrival.at >= starts.arrived_at
        ]) as to_at,
        list_min([
            arrival.at for arrival in lives.arrived
            if arrival.height > to_marks.high_rank and arrival.at >= starts.arrived_at
        ]) as above_at,
        starts.lead_no,
        starts.span_no,
        starts.cut_set
    from starts
    inner join pairs on pairs.from_mark_no = starts.mark_no
    inner join marks as to_marks on to_marks.mark_no = pairs.to_mark_no
    inner join lives on lives.unit_key = starts.unit_key
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
-- Neighbours in the file are neighbours in every mart: quantiles and counts by pair and period take half the time.
order by opened.unit, opened.pair_no, opened.from_date, opened.unit_id
