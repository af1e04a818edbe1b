-- One row per grain, period, basis, dimension value and stage: leads per account at the end of the period, or at as-of (A1).
-- Every count is a running sum of daily changes: an account that gains its second lead leaves depth 1 and joins depth 2. A lead that
-- enters and leaves a stage within one period changes nothing, so it is left out before rows are multiplied by their slices.
-- Months are counted once and added up to longer periods. Months and all time are stored; the other grains are computed on read.
-- stored: grain in ('month', 'all')
-- A history too long for the memory is built stage by stage, so that no window sort spills to disk.
-- partition: milestone_no, count(*) * (select count(*) from waterfall.dimensions) of journey.first_arrivals, 60 bytes each
-- partition: stage_no, count(*) * (select count(*) from waterfall.dimensions) of journey.spans_facts, 120 bytes each
-- key: grain, period_start, basis, dimension, dimension_value, stage
-- not null: leads, leads_with_account, accounts, depth_1, depth_2, depth_3_4, depth_5_plus
-- accepted basis: reached, current
-- check: accounts = depth_1 + depth_2 + depth_3_4 + depth_5_plus
-- check: leads >= leads_with_account and leads_with_account >= accounts
-- column basis: reached = leads that had arrived by then (path stages and groups); current = leads in the stage then
-- column stage: key of the stage or group
-- column leads: all such leads, with or without an account
-- column accounts: distinct accounts of the leads with one
-- column ratio: leads_with_account / accounts; null without accounts
-- column depth_1: accounts with one such lead
-- column depth_2: accounts with two
-- column depth_3_4: accounts with three or four
-- column depth_5_plus: accounts with five or more
with
milestones as (from waterfall.milestones),
stages as (from waterfall.stages),
periods as (from waterfall.periods),
days as (from waterfall.days),
day_periods as (from waterfall.day_periods),

first_arrivals as (
    select arrivals.* from journey.first_arrivals as arrivals where arrivals.unit = 'lead'
),

spans as (from journey.spans_facts),
slice_members as (from journey.slice_members),
slices as (from journey.slices),
members as (from journey.account_members),

months as (
    select distinct days.month_start, day_periods.grain, day_periods.period_start
    from days
    -- Not `in`: with separate comparisons, DuckDB sees while planning that a query for days needs no months.
    inner join day_periods on day_periods.day = days.day and day_periods.grain <> 'day' and day_periods.grain <> 'week'
),

-- A place is a milestone on one of the two bases: its number for reached, plus 100,000 for current.
intervals as (
    select
        cast(first_arrivals.milestone_no as integer) as place,
        first_arrivals.lead_no,
        first_arrivals.slice_set,
        first_arrivals.arrived_date as from_date,
        cast(null as date) as until_date
    from first_arrivals
    union all
    select 100000 + spans.stage_no, spans.lead_no, spans.slice_set, spans.entered_date, spans.exited_date
    from spans
),

held as (
    select intervals.* exclude (lead_no), coalesce(members.account_no, 0) as account_no
    from intervals
    left join members on members.lead_no = intervals.lead_no
),

monthly as (
    select
        held.place,
        held.slice_set,
        held.account_no,
        cast(date_trunc('month', held.from_date) as date) as from_date,
        cast(date_trunc('month', held.until_date) as date) as until_date
    from held
),

daily as (
    select
        held.place,
        held.slice_set,
        held.account_no,
        unnest([held.from_date, held.until_date]) as day,
        unnest([1, -1]) as step
    from held
    where held.until_date is distinct from held.from_date
),

-- Grains are numbers here (1 = day, 2 = week, 3 = month), because the window below sorts numbers faster than texts.
moves as (
    select 3 as grain_no, monthly.place, monthly.slice_set, monthly.account_no,
        unnest([monthly.from_date, monthly.until_date]) as period_start, unnest([1, -1]) as step
    from monthly
    where monthly.until_date is distinct from monthly.from_date
    union all
    select 2, daily.place, daily.slice_set, daily.account_no, days.week_start, daily.step
    from daily
    inner join days on days.day = daily.day
    union all
    select 1, daily.place, daily.slice_set, daily.account_no, daily.day, daily.step
    from daily
),

-- Slice and account as one number; account 0 means no account.
steps as (
    select
        moves.grain_no,
        moves.period_start,
        moves.place,
        moves.step,
        slice_members.slice_no * 4294967296 + moves.account_no as holder
    from moves
    inner join slice_members on slice_members.slice_set = moves.slice_set
    where moves.period_start is not null
),

-- The order of steps within a period does not matter: what one step adds to a depth class the next one takes from it.
depths as (
    select
        steps.grain_no,
        steps.period_start,
        steps.place,
        steps.holder // 4294967296 as slice_no,
        steps.holder % 4294967296 > 0 as has_account,
        steps.step,
        -- In doubles, which hold every count exactly: a running sum of integers is half as fast.
        cast(sum(cast(steps.step as double)) over (
            partition by steps.grain_no, steps.place, steps.holder
            order by steps.period_start
            rows unbounded preceding
        ) as integer) as depth
    from steps
),

-- Not materialised, so that a query for months does not compute days.
-- For each depth class: in it after, less in it before. A lead without account counts only as a lead.
changes as not materialized (
    select
        depths.grain_no,
        depths.period_start,
        depths.place,
        depths.slice_no,
        sum(depths.step) as leads,
        sum(depths.step) filter (where depths.has_account) as leads_with_account,
        count(*) filter (where depths.has_account and depths.depth = 1)
            - count(*) filter (where depths.has_account and depths.depth - depths.step = 1) as depth_1,
        count(*) filter (where depths.has_account and depths.depth = 2)
            - count(*) filter (where depths.has_account and depths.depth - depths.step = 2) as depth_2,
        count(*) filter (where depths.has_account and depths.depth between 3 and 4)
            - count(*) filter (where depths.has_account and depths.depth - depths.step between 3 and 4) as depth_3_4,
        count(*) filter (where depths.has_account and depths.depth >= 5)
            - count(*) filter (where depths.has_account and depths.depth - depths.step >= 5) as depth_5_plus
    from depths
    group by all
),

places as (
    select cast(milestones.milestone_no as integer) as place, 'reached' as basis, milestones.milestone_no, milestones.milestone as stage
    from milestones
    where milestones.low_rank is not null
    union all
    select 100000 + stages.stage_no, 'current', stages.stage_no, stages.stage
    from stages
),

keys as (
    select distinct slice_members.slice_no, set_places.place
    from (select distinct intervals.slice_set, intervals.place from intervals) as set_places
    inner join slice_members on slice_members.slice_set = set_places.slice_set
    union
    select slices.slice_no, places.place
    from places
    inner join slices on slices.dimension = 'all'
),

-- Combined by grouping, not by a join: a filter on the grain passes through a group, not through this join.
combined as (
    select months.grain, months.period_start, changes.* exclude (grain_no, period_start)
    from changes
    inner join months on months.month_start = changes.period_start
    where changes.grain_no = 3
    union all by name
    select 'week' as grain, changes.* exclude (grain_no) from changes where changes.grain_no = 2
    union all by name
    select 'day' as grain, changes.* exclude (grain_no) from changes where changes.grain_no = 1
    union all by name
    select periods.grain, periods.period_start, keys.slice_no, keys.place
    from keys
    cross join periods
),

moved as (
    select
        combined.grain,
        combined.period_start,
        combined.slice_no,
        combined.place,
        coalesce(sum(combined.leads), 0) as leads,
        coalesce(sum(combined.leads_with_account), 0) as leads_with_account,
        coalesce(sum(combined.depth_1), 0) as depth_1,
        coalesce(sum(combined.depth_2), 0) as depth_2,
        coalesce(sum(combined.depth_3_4), 0) as depth_3_4,
        coalesce(sum(combined.depth_5_plus), 0) as depth_5_plus
    from combined
    group by combined.grain, combined.period_start, combined.slice_no, combined.place
),

standing as (
    select
        moved.grain,
        moved.period_start,
        moved.slice_no,
        moved.place,
        sum(moved.leads) over key_order as leads,
        sum(moved.leads_with_account) over key_order as leads_with_account,
        sum(moved.depth_1) over key_order as depth_1,
        sum(moved.depth_2) over key_order as depth_2,
        sum(moved.depth_3_4) over key_order as depth_3_4,
        sum(moved.depth_5_plus) over key_order as depth_5_plus
    from moved
    window key_order as (
        partition by moved.grain, moved.slice_no, moved.place
        order by moved.period_start
        rows unbounded preceding
    )
)

select
    standing.grain,
    standing.period_start,
    places.basis,
    slices.dimension,
    slices.dimension_value,
    places.stage,
    cast(standing.leads as bigint) as leads,
    cast(standing.leads_with_account as bigint) as leads_with_account,
    cast(standing.depth_1 + standing.depth_2 + standing.depth_3_4 + standing.depth_5_plus as bigint) as accounts,
    cast(standing.leads_with_account as double)
        / nullif(standing.depth_1 + standing.depth_2 + standing.depth_3_4 + standing.depth_5_plus, 0) as ratio,
    cast(standing.depth_1 as bigint) as depth_1,
    cast(standing.depth_2 as bigint) as depth_2,
    cast(standing.depth_3_4 as bigint) as depth_3_4,
    cast(standing.depth_5_plus as bigint) as depth_5_plus
from standing
inner join places on places.place = standing.place
inner join slices on slices.slice_no = standing.slice_no
where slices.dimension = 'all' or standing.leads > 0
