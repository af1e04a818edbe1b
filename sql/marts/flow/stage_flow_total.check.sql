-- Over all stages together, in − out = new leads + restored leads − deleted leads, in every period.
-- severity: fail
with
flow as (
    select flow.*
    from marts.stage_flow as flow
    where flow.dimension = 'all' and flow.grain in ('month', 'all')
)

select flow.grain, flow.period_start
from flow
group by all
having sum(flow.ins - flow.outs) <> sum(flow.in_new + flow.in_restored - flow.out_deleted)
