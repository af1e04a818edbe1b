-- One row per unit and pair with an arrival at B or above B's rank, at or after the first arrival at A (K1, K3).
-- The arrival at B is the first one at or after A.
-- key: unit_key, pair_no
-- partition: unit_key, count(*) of journey.first_arrivals, 150 bytes each
-- check: us_to_convert >= 0 and us_to_pass >= 0
-- check: us_to_convert is not null or us_to_pass is not null
-- check: (us_to_convert is null) = (convert_window is null) and (us_to_pass is null) = (pass_window is null)
-- column unit_key: unit and unit_id in one number, as in journey.first_arrivals
-- column us_to_convert: microseconds from A to B; null = it did not arrive at B
-- column us_to_pass: microseconds from A to the first arrival above B's rank; null = it did not arrive there before B
-- column convert_window: number of the shortest window in which it converted (waterfall.window_limits); null = never
-- column pass_window: number of the shortest window of us_to_pass; null = never, or not before B
-- column unit: like the columns after it, that of the first arrival at A (journey.first_arrivals), so that counts need no join
-- column from_date: date of that arrival
-- column slice_set: slice membership of the span that began with it
-- column is_closed: the unit can no longer convert later
-- column end_days: whole days from that arrival until the unit could no longer convert, or until as-of
-- column age_days: whole days from that arrival to as-of
-- column ended_windows: number of windows that had ended by as-of
with
firsts as (from journey.first_arrivals),
arrivals as (from journey.unit_arrivals),
pairs as (from waterfall.pairs),
milestones as (from waterfall.milestones),
ages as (from waterfall.window_ages),
run as (from waterfall.run),

longest as (
    select max(ages.age_days) as age_days from ages
),

reached as (
    select
        from_arrivals.unit_key,
        pairs.pair_no,
        pairs.to_milestone_no,
        from_arrivals.arrived_at as from_at,
        case when to_arrivals.arrived_at >= from_arrivals.arrived_at then to_arrivals.arrived_at end as to_at
    from firsts as from_arrivals
    inner join pairs on pairs.from_milestone_no = from_arrivals.milestone_no
    inner join firsts as to_arrivals
        on to_arrivals.unit_key = from_arrivals.unit_key and to_arrivals.milestone_no = pairs.to_milestone_no
    where to_arrivals.arrived_at >= from_arrivals.arrived_at or to_arrivals.last_arrived_at >= from_arrivals.arrived_at
),

-- Few units arrived at B both before and after A. Only these look at every arrival.
conversions as (
    select
        reached.unit_key,
        reached.pair_no,
        epoch_us(reached.to_at) - epoch_us(reached.from_at) as us_to_convert
    from reached
    where reached.to_at is not null
    union all
    select
        reached.unit_key,
        reached.pair_no,
        min(epoch_us(arrivals.arrived_at) - epoch_us(reached.from_at))
    from reached
    inner join arrivals
        on arrivals.unit_key = reached.unit_key
        and arrivals.milestone_no = reached.to_milestone_no
        and arrivals.arrived_at >= reached.from_at
    where reached.to_at is null
    group by reached.unit_key, reached.pair_no
),

-- The pairs from the same A to a stage above B. A group arrives with its first member, so only stages can be above a rank.
pairs_above as (
    select pairs.pair_no, higher_pairs.pair_no as above_pair_no
    from pairs
    inner join milestones as to_milestones on to_milestones.milestone_no = pairs.to_milestone_no
    inner join pairs as higher_pairs on higher_pairs.from_milestone_no = pairs.from_milestone_no
    inner join milestones as higher_milestones on higher_milestones.milestone_no = higher_pairs.to_milestone_no
    where higher_milestones.low_rank > to_milestones.high_rank and not higher_milestones.is_group
),

-- Once a unit has arrived at B, an arrival above B changes nothing (K3).
merged as (
    select
        events.unit_key,
        events.pair_no,
        min(events.us_to_convert) as us_to_convert,
        case
            when coalesce(min(events.us_to_pass) < min(events.us_to_convert), true) then min(events.us_to_pass)
        end as us_to_pass
    from (
        select conversions.unit_key, conversions.pair_no, conversions.us_to_convert, cast(null as bigint) as us_to_pass
        from conversions
        union all
        select conversions.unit_key, pairs_above.pair_no, null, conversions.us_to_convert
        from conversions
        inner join pairs_above on pairs_above.above_pair_no = conversions.pair_no
    ) as events
    group by events.unit_key, events.pair_no
),

-- Rounded up to days, exact to the microsecond: within W × 86,400 s is within W such days. least() would ignore a null.
aged as (
    select
        merged.*,
        case when merged.us_to_convert is not null
            then least((merged.us_to_convert + 86399999999) // 86400000000, longest.age_days) end as days_to_convert,
        case when merged.us_to_pass is not null
            then least((merged.us_to_pass + 86399999999) // 86400000000, longest.age_days) end as days_to_pass
    from merged
    cross join longest
)

select
    aged.unit_key,
    aged.pair_no,
    aged.us_to_convert,
    aged.us_to_pass,
    convert_ages.window_no as convert_window,
    pass_ages.window_no as pass_window,
    firsts.unit,
    firsts.arrived_date as from_date,
    firsts.slice_set,
    firsts.closed_at is not null as is_closed,
    cast(
        (epoch_us(coalesce(firsts.closed_at, run.as_of)) - epoch_us(firsts.arrived_at)) // 86400000000 as integer
    ) as end_days,
    cast((epoch_us(run.as_of) - epoch_us(firsts.arrived_at)) // 86400000000 as integer) as age_days,
    firsts.ended_windows
from aged
inner join pairs on pairs.pair_no = aged.pair_no
inner join firsts on firsts.unit_key = aged.unit_key and firsts.milestone_no = pairs.from_milestone_no
cross join run
left join ages as convert_ages on convert_ages.age_days = aged.days_to_convert
left join ages as pass_ages on pass_ages.age_days = aged.days_to_pass
