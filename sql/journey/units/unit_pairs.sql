-- One row per unit and pair that it opened: when it arrived at A, at B and above B (K1, K3).
-- as: view
-- column is_headline: a pair that the report shows first
-- column from_at: first arrival at A
-- column to_at: first arrival at B at or after from_at; null = none
-- column above_at: first arrival above B's rank at or after from_at; null = none, or not before to_at
-- column is_closed: the unit can no longer convert: its cycle ended, or its lead or all its leads left
-- column closed_at: since when (UTC): end of the cycle; entry of the lead into the exit, or its deletion; the latest of these in an account
-- column lead_no: the lead whose entry starts the measure
-- column span_no: the span that starts the measure
-- column slice_set: slice membership of that span
-- column outcome: without a window (K3): converted, passed_over, lost or still_open
-- column us_to_convert: microseconds from A to B; null = never
-- column convert_window: number of the shortest window in which it converted (waterfall.window_limits); null = never
-- column pass_window: number of the shortest window in which it arrived above B's rank; null = never, or not before B
-- column ended_windows: number of windows that had ended by as-of
with
firsts as (from journey.first_arrivals),
outcomes as (from journey.unit_outcomes),
pairs as (from waterfall.pairs)

select
    firsts.unit,
    firsts.unit_id,
    pairs.pair_no,
    pairs.is_headline,
    firsts.arrived_at as from_at,
    firsts.arrived_date as from_date,
    firsts.arrived_at + to_microseconds(outcomes.us_to_convert) as to_at,
    firsts.arrived_at + to_microseconds(outcomes.us_to_pass) as above_at,
    firsts.closed_at is not null as is_closed,
    firsts.closed_at,
    firsts.lead_no,
    firsts.span_no,
    firsts.slice_set,
    case
        when outcomes.us_to_convert is not null then 'converted'
        when outcomes.us_to_pass is not null then 'passed_over'
        when firsts.closed_at is not null then 'lost'
        else 'still_open'
    end as outcome,
    outcomes.us_to_convert,
    outcomes.convert_window,
    outcomes.pass_window,
    firsts.ended_windows
from firsts
inner join pairs on pairs.from_milestone_no = firsts.milestone_no
left join outcomes on outcomes.unit_key = firsts.unit_key and outcomes.pair_no = pairs.pair_no
