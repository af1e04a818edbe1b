-- The closing count of a period is the opening count of the next.
-- severity: fail
with
flow as (
    select flow.*
    from marts.stage_flow as flow
    where flow.dimension = 'all' and flow.grain = 'month'
),

with_next as (
    select
        flow.grain,
        flow.stage,
        flow.closing,
        lead(flow.opening) over (partition by flow.grain, flow.stage order by flow.period_start) as next_opening
    from flow
)

select with_next.grain, with_next.stage
from with_next
where with_next.next_opening <> with_next.closing
