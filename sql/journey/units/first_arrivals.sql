-- One row per unit and path stage or group that it arrived at: its first arrival there, which opens the pairs from there (K1).
-- key: unit, unit_id, milestone_no
-- unique: unit_key, milestone_no
-- not null: arrived_at, arrived_date, lead_no, span_no, slice_set, ended_windows
-- check: arrived_at < last_arrived_at
-- check: unit = 'cycle' or closed_at >= arrived_at
-- column unit_key: unit and unit_id as one number, which joins and groups faster than two columns
-- column last_arrived_at: its last arrival there (UTC), if a later cycle of the unit arrived again
-- column lead_no: the lead that arrived first
-- column span_no: the span of that lead that began with the arrival
-- column slice_set: slice membership of that span
-- column closed_at: when the unit became unable to convert later (UTC): end of the cycle; entry of the lead into the exit, or its deletion; the latest of these in an account; null = it still can
-- column ended_windows: number of windows of waterfall.window_limits that had ended by as-of
with
run as (from waterfall.run),

arrivals as (
    select arrivals.* from journey.arrivals_facts as arrivals where arrivals.low_rank is not null
),

cycles as (from journey.cycles_facts),
spans as (from journey.spans_facts),
stages as (from waterfall.stages),
members as (from journey.account_members),
ages as (from waterfall.window_ages),

longest as (
    select max(ages.age_days) as age_days from ages
),

-- The spans of a lead are in the order of time.
firsts_of_leads as (
    select
        arrivals.lead_no,
        arrivals.milestone_no,
        min(arrivals.span_no) as span_no,
        max(arrivals.arrived_at) as last_arrived_at
    from arrivals
    group by arrivals.lead_no, arrivals.milestone_no
),

-- Time, lead (by id) and span as one number, whose minimum is found faster than that of three columns.
firsts_of_accounts as (
    select
        members.account_no,
        arrivals.milestone_no,
        min(
            (cast(epoch_us(arrivals.arrived_at) as hugeint) * 4294967296 + members.member_no) * 1048576 + arrivals.span_no
        ) as place,
        max(arrivals.arrived_at) as last_arrived_at
    from arrivals
    inner join members on members.lead_no = arrivals.lead_no
    group by members.account_no, arrivals.milestone_no
),

units as (
    select
        'cycle' as unit,
        cast(arrivals.lead_no as bigint) * 1048576 + arrivals.cycle_no as unit_id,
        cast(arrivals.lead_no as bigint) * 1048576 + arrivals.cycle_no as unit_key,
        arrivals.lead_no,
        arrivals.milestone_no,
        arrivals.span_no,
        arrivals.arrived_at as last_arrived_at
    from arrivals
    union all
    select
        'lead',
        cast(firsts.lead_no as bigint),
        1152921504606846976 + firsts.lead_no,
        firsts.lead_no,
        firsts.milestone_no,
        firsts.span_no,
        firsts.last_arrived_at
    from firsts_of_leads as firsts
    union all
    select
        'account',
        cast(firsts.account_no as bigint),
        2305843009213693952 + firsts.account_no,
        members.lead_no,
        firsts.milestone_no,
        cast(firsts.place % 1048576 as integer),
        firsts.last_arrived_at
    from firsts_of_accounts as firsts
    inner join members
        on members.account_no = firsts.account_no
        and members.member_no = cast(firsts.place // 1048576 % 4294967296 as integer)
),

firsts as (
    select
        units.unit,
        units.unit_id,
        units.unit_key,
        units.milestone_no,
        arrivals.arrived_at,
        arrivals.arrived_date,
        case when units.last_arrived_at > arrivals.arrived_at then units.last_arrived_at end as last_arrived_at,
        arrivals.lead_no,
        arrivals.span_no,
        arrivals.slice_set
    from units
    inner join arrivals
        on arrivals.lead_no = units.lead_no
        and arrivals.milestone_no = units.milestone_no
        and arrivals.span_no = units.span_no
),

-- A lead has left if it is in an exit stage now or deleted.
lead_ends as (
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
    union all
    select
        2305843009213693952 + members.account_no,
        case when count(*) = count(lead_ends.closed_at) then max(lead_ends.closed_at) end
    from lead_ends
    inner join members on members.lead_no = lead_ends.lead_no
    group by members.account_no
),

aged as (
    select
        firsts.*,
        closed.closed_at,
        least((epoch_us(run.as_of) - epoch_us(firsts.arrived_at)) // 86400000000 + 1, longest.age_days) as age_days
    from firsts
    inner join closed on closed.unit_key = firsts.unit_key
    cross join run
    cross join longest
)

select
    aged.* exclude (age_days),
    -- Of an age of whole days, the windows before the shortest one that includes the next day have ended.
    cast(ages.window_no - 1 as smallint) as ended_windows
from aged
-- A left join: with an inner join, DuckDB estimates an empty result and chooses a bad join order in the marts.
left join ages on ages.age_days = aged.age_days
