-- One row per unit and pair that it opened: when it arrived at A, at B and above B (K1, K3).
-- The arrivals of a unit are one list in order of time: its stage sequence. Units with the same sequence have their pairs at the same
-- positions, so positions are looked up once per sequence; there are far fewer sequences than units (DECISIONS.md, "Numbers go through
-- the windows, words come back last").
-- Lists cannot spill to disk, so a history too long for the memory is built in batches: leads with their cycles, and accounts.
-- parts: lead_no, count(*) of journey.arrivals_narrow, 1100 bytes each
-- parts: account_no, count(*) of journey.account_members, 2200 bytes each
-- key: unit, unit_id, pair_no
-- not null: from_at, from_date, is_closed, cut_set
-- check: to_at >= from_at
-- check: above_at >= from_at
-- check: closed_at >= from_at
-- check: is_closed = (closed_at is not null)
-- column from_at: arrival at A; for leads and accounts, the first ever
-- column to_at: first arrival at B at or after from_at
-- column above_at: first arrival above B's rank at or after from_at
-- column is_closed: the unit can no longer convert: its cycle ended, or its lead or all its leads left
-- column closed_at: since when (UTC): end of the cycle; entry of the lead into the exit, or its deletion; the latest of these in an account
-- column lead_no: the lead whose entry starts the measure
-- column span_no: the span that starts the measure
-- column cut_set: slice membership of that span
with
arrivals as (
    select arrivals.*
    from journey.unit_arrivals as arrivals
    where
        arrivals.unit <> 'account'
        and arrivals.lead_no >= coalesce(getvariable('first_lead_no'), 0)
        and arrivals.lead_no <= coalesce(getvariable('last_lead_no'), 2147483647)
    union all
    select arrivals.*
    from journey.unit_arrivals as arrivals
    where
        arrivals.unit = 'account'
        and arrivals.unit_id >= coalesce(getvariable('first_account_no'), 0)
        and arrivals.unit_id <= coalesce(getvariable('last_account_no'), 2147483647)
),

pairs as (from waterfall.pairs),
marks as (from waterfall.marks),

cycles as (
    select cycles.*
    from journey.cycles_narrow as cycles
    where
        cycles.lead_no >= coalesce(getvariable('first_lead_no'), 0)
        and cycles.lead_no <= coalesce(getvariable('last_lead_no'), 2147483647)
),

spans as (from journey.spans_narrow),
stages as (from waterfall.stages),

members as (
    select members.*
    from journey.account_members as members
    where
        members.account_no >= coalesce(getvariable('first_account_no'), 0)
        and members.account_no <= coalesce(getvariable('last_account_no'), 2147483647)
),

-- A group arrives with its first member, so only stages can be above a rank.
arrival_lists as (
    select
        arrivals.unit,
        arrivals.unit_id,
        arrivals.unit_key,
        list_sort(list({
            'at': arrivals.arrived_at,
            'mark_no': arrivals.mark_no,
            'tie_no': arrivals.tie_no,
            'height': case when not arrivals.is_group then arrivals.low_rank end,
            'day': arrivals.arrived_date,
            'lead_no': arrivals.lead_no,
            'span_no': arrivals.span_no,
            'cut_set': arrivals.cut_set
        })) as arrived
    from arrivals
    group by arrivals.unit, arrivals.unit_id, arrivals.unit_key
),

timed as (
    select arrival_lists.*, [each.at for each in arrival_lists.arrived] as ats
    from arrival_lists
),

-- is_tied: at the same instant as the arrival before.
unit_sequences as (
    select
        timed.*,
        {
            'mark_nos': [each.mark_no for each in timed.arrived],
            'heights': [each.height for each in timed.arrived],
            'is_tied': [two[1] = two[2] for two in list_zip(timed.ats, list_prepend(null, timed.ats))]
        } as sequence
    from timed
),

sequences as (
    select distinct unit_sequences.sequence from unit_sequences
),

starts as (
    select sequences.sequence, unnest(range(1, len(sequences.sequence.mark_nos) + 1)) as from_place
    from sequences
),

-- The first arrival at each stage or group opens its pairs; since_place is the first of all arrivals at that instant.
steps as (
    select
        starts.sequence,
        starts.from_place,
        list_max([
            place for place in range(1, starts.from_place + 1) if starts.sequence.is_tied[place] is not true
        ]) as since_place
    from starts
    where list_position(starts.sequence.mark_nos, starts.sequence.mark_nos[starts.from_place]) = starts.from_place
),

-- Positions of the times of a pair in the list, once for all units with the same stage sequence.
pair_places as (
    select
        steps.sequence,
        pairs.pair_no,
        steps.from_place,
        list_min([
            place for place in range(steps.since_place, len(steps.sequence.mark_nos) + 1)
            if steps.sequence.mark_nos[place] = pairs.to_mark_no
        ]) as to_place,
        list_min([
            place for place in range(steps.since_place, len(steps.sequence.mark_nos) + 1)
            if steps.sequence.heights[place] > to_marks.high_rank
        ]) as above_place
    from steps
    inner join pairs on pairs.from_mark_no = steps.sequence.mark_nos[steps.from_place]
    inner join marks as to_marks on to_marks.mark_no = pairs.to_mark_no
),

-- A lead has left if it is in an exit stage now or deleted.
-- Written twice: accounts need any of their leads, leads only those of the batch.
lead_ends as not materialized (
    select
        spans.lead_no,
        case
            when spans.exit_kind = 'deleted' then spans.exited_at
            when stages.kind = 'exit' then spans.entered_at
        end as closed_at
    from spans
    inner join stages on stages.stage_no = spans.stage_no
    where spans.is_last
),

closed as (
    select cycles.cycle_id as unit_key, cycles.ended_at as closed_at
    from cycles
    union all
    select 1152921504606846976 + lead_ends.lead_no, lead_ends.closed_at
    from lead_ends
    where
        lead_ends.lead_no >= coalesce(getvariable('first_lead_no'), 0)
        and lead_ends.lead_no <= coalesce(getvariable('last_lead_no'), 2147483647)
    union all
    select
        2305843009213693952 + members.account_no,
        case when count(*) = count(lead_ends.closed_at) then max(lead_ends.closed_at) end
    from lead_ends
    inner join members on members.lead_no = lead_ends.lead_no
    group by members.account_no
),

opened as (
    select
        unit_sequences.unit,
        unit_sequences.unit_id,
        unit_sequences.unit_key,
        pair_places.pair_no,
        unit_sequences.arrived[pair_places.from_place] as start,
        unit_sequences.ats[pair_places.to_place] as to_at,
        unit_sequences.ats[pair_places.above_place] as above_at
    from unit_sequences
    inner join pair_places on pair_places.sequence = unit_sequences.sequence
)

select
    opened.unit,
    opened.unit_id,
    opened.pair_no,
    opened.start.at as from_at,
    opened.start.day as from_date,
    opened.to_at,
    opened.above_at,
    closed.closed_at is not null as is_closed,
    closed.closed_at,
    opened.start.lead_no as lead_no,
    opened.start.span_no as span_no,
    opened.start.cut_set as cut_set
from opened
inner join closed on closed.unit_key = opened.unit_key
