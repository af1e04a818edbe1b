-- One row per grain, period, basis, dimension value and stage: leads per account at the period's end, or at as-of (A1).
-- Every count is a running sum of what each day added or took: an account that gains its second lead leaves depth 1
-- and joins depth 2.
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
marks as (
    from waterfall.marks
),

periods as (
    from waterfall.periods
),

day_periods as (
    from waterfall.day_periods
),

arrivals as (
    select arrivals.* from journey.arrivals_narrow as arrivals where arrivals.low_rank is not null
),

spans as (
    from journey.spans_narrow
),

cut_sets as (
    from journey.cut_sets
),

cuts as (
    from journey.cuts
),

leads as (
    from clean.leads
),

accounts as (
    from clean.accounts
),

first_arrivals as (
    select arrivals.*
    from arrivals
    qualify row_number() over (partition by arrivals.lead_no, arrivals.mark_no order by arrivals.span_no) = 1
),

moves as (
    select 'reached' as basis, first_arrivals.mark_no, first_arrivals.lead_no, first_arrivals.cut_set,
        first_arrivals.arrived_date as moved_date, 1 as step
    from first_arrivals
    union all
    select 'current', spans.stage_no, spans.lead_no, spans.cut_set, spans.entered_date, 1
    from spans
    union all
    select 'current', spans.stage_no, spans.lead_no, spans.cut_set, spans.exited_date, -1
    from spans
    where spans.exited_at is not null
),

steps as (
    select
        moves.basis,
        cut_sets.cut_no,
        moves.mark_no,
        accounts.account_no,
        moves.moved_date,
        sum(moves.step) as step
    from moves
    inner join cut_sets on cut_sets.cut_set = moves.cut_set
    inner join leads on leads.lead_no = moves.lead_no
    left join accounts on accounts.account_id = leads.account_id
    group by
        moves.basis,
        cut_sets.cut_no,
        moves.mark_no,
        accounts.account_no,
        moves.moved_date
),

depths as (
    select
        steps.*,
        sum(steps.step) over (
            partition by steps.basis, steps.cut_no, steps.mark_no, steps.account_no
            order by steps.moved_date
            rows unbounded preceding
        ) as depth
    from steps
),

-- is(depth after) − is(depth before), for each class of depth; a lead without account only counts as a lead.
daily as (
    select
        depths.basis,
        depths.cut_no,
        depths.mark_no,
        depths.moved_date,
        sum(depths.step) as leads,
        coalesce(sum(depths.step) filter (where depths.account_no is not null), 0) as leads_with_account,
        count(*) filter (where depths.account_no is not null and depths.depth = 1)
            - count(*) filter (where depths.account_no is not null and depths.depth - depths.step = 1) as depth_1,
        count(*) filter (where depths.account_no is not null and depths.depth = 2)
            - count(*) filter (where depths.account_no is not null and depths.depth - depths.step = 2) as depth_2,
        count(*) filter (where depths.account_no is not null and depths.depth between 3 and 4)
            - count(*) filter (where depths.account_no is not null and depths.depth - depths.step between 3 and 4) as depth_3_4,
        count(*) filter (where depths.account_no is not null and depths.depth >= 5)
            - count(*) filter (where depths.account_no is not null and depths.depth - depths.step >= 5) as depth_5_plus
    from depths
    group by depths.basis, depths.cut_no, depths.mark_no, depths.moved_date
),

moved as (
    select
        day_periods.grain,
        day_periods.period_start,
        daily.basis,
        daily.cut_no,
        daily.mark_no,
        sum(columns(daily.* exclude (basis, cut_no, mark_no, moved_date)))
    from daily
    inner join day_periods on day_periods.day = daily.moved_date
    group by
        day_periods.grain,
        day_periods.period_start,
        daily.basis,
        daily.cut_no,
        daily.mark_no
),

keys as (
    select daily.basis, daily.cut_no, daily.mark_no, min(daily.moved_date) as first_date
    from daily
    inner join cuts on cuts.cut_no = daily.cut_no and cuts.dimension <> 'all'
    group by daily.basis, daily.cut_no, daily.mark_no
    union all
    select 'reached', cuts.cut_no, marks.mark_no, null
    from marks
    inner join cuts on cuts.dimension = 'all'
    where marks.low_rank is not null
    union all
    select 'current', cuts.cut_no, marks.mark_no, null
    from marks
    inner join cuts on cuts.dimension = 'all'
    where not marks.is_group
),

grid as (
    select periods.grain, periods.period_start, keys.basis, keys.cut_no, keys.mark_no
    from keys
    inner join periods on keys.first_date is null or periods.last_day >= keys.first_date
),

standing as (
    select
        grid.*,
        coalesce(sum(moved.leads) over key_order, 0) as leads,
        coalesce(sum(moved.leads_with_account) over key_order, 0) as leads_with_account,
        coalesce(sum(moved.depth_1) over key_order, 0) as depth_1,
        coalesce(sum(moved.depth_2) over key_order, 0) as depth_2,
        coalesce(sum(moved.depth_3_4) over key_order, 0) as depth_3_4,
        coalesce(sum(moved.depth_5_plus) over key_order, 0) as depth_5_plus
    from grid
    left join moved
        on moved.grain = grid.grain
        and moved.period_start is not distinct from grid.period_start
        and moved.basis = grid.basis
        and moved.cut_no = grid.cut_no
        and moved.mark_no = grid.mark_no
    window key_order as (
        partition by grid.grain, grid.basis, grid.cut_no, grid.mark_no
        order by grid.period_start
        rows unbounded preceding
    )
)

select
    standing.grain,
    standing.period_start,
    standing.basis,
    cuts.dimension,
    cuts.dimension_value,
    marks.mark as stage,
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
inner join marks on marks.mark_no = standing.mark_no
inner join cuts on cuts.cut_no = standing.cut_no
where cuts.dimension = 'all' or standing.leads > 0
