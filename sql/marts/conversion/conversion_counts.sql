-- One row per unit, month of arrival at A, slice, pair and outcome: how many units, in numbers only.
-- Months add up to quarters, years and all time, so marts.conversion counts its units once and not once per grain.
-- Two counts: all units that entered A, and for each pair those that reached B or passed it. The others are the difference.
-- key: unit, month_start, slice_no, pair_no, convert_window, pass_window, is_closed, ended_windows
-- not null: units
-- check: units > 0
-- column month_start: first day of the month in which the units arrived at A
-- column convert_window: number of the shortest window in which they converted (waterfall.window_limits); null = never
-- column pass_window: number of the shortest window in which they arrived above B's rank; null = never, or not before B
-- column is_closed: they can no longer convert later than as-of
-- column ended_windows: number of windows that had ended by as-of
-- column units: number of units
-- column age_days: whole days from the last arrival at A among them to as-of
-- column us_total: microseconds from A to B, added up; null = no unit converted
with
run as (from waterfall.run),
firsts as (from journey.first_arrivals),
outcomes as (from journey.unit_outcomes),
pairs as (from waterfall.pairs),
days as (from waterfall.days),
slice_members as (from journey.slice_members),

entered as (
    select
        firsts.unit,
        firsts.milestone_no,
        days.month_start,
        slice_members.slice_no,
        firsts.closed_at is not null as is_closed,
        firsts.ended_windows,
        count(*) as units,
        cast((epoch_us(any_value(run.as_of)) - epoch_us(max(firsts.arrived_at))) // 86400000000 as integer) as age_days
    from firsts
    inner join days on days.day = firsts.arrived_date
    inner join slice_members on slice_members.slice_set = firsts.slice_set
    cross join run
    group by all
),

decided as (
    select
        outcomes.unit,
        outcomes.pair_no,
        days.month_start,
        slice_members.slice_no,
        outcomes.is_closed,
        outcomes.ended_windows,
        outcomes.convert_window,
        outcomes.pass_window,
        count(*) as units,
        min(outcomes.age_days) as age_days,
        sum(outcomes.us_to_convert) as us_total
    from outcomes
    inner join days on days.day = outcomes.from_date
    inner join slice_members on slice_members.slice_set = outcomes.slice_set
    group by all
),

balance as (
    select
        entered.unit,
        pairs.pair_no,
        entered.month_start,
        entered.slice_no,
        entered.is_closed,
        entered.ended_windows,
        entered.units,
        entered.age_days
    from entered
    inner join pairs on pairs.from_milestone_no = entered.milestone_no
    union all
    select
        decided.unit,
        decided.pair_no,
        decided.month_start,
        decided.slice_no,
        decided.is_closed,
        decided.ended_windows,
        -decided.units,
        null
    from decided
),

others as (
    select
        balance.unit,
        balance.pair_no,
        balance.month_start,
        balance.slice_no,
        balance.is_closed,
        balance.ended_windows,
        sum(balance.units) as units,
        min(balance.age_days) as age_days
    from balance
    group by all
    having sum(balance.units) > 0
),

counted as (
    select decided.* from decided
    union all by name
    select others.* from others
)

select
    counted.unit,
    counted.month_start,
    counted.slice_no,
    counted.pair_no,
    counted.convert_window,
    counted.pass_window,
    counted.is_closed,
    counted.ended_windows,
    cast(counted.units as bigint) as units,
    counted.age_days,
    counted.us_total
from counted
