-- How many arrivals at SAL each month did not come through an MQL?
select arrivals.period_start, arrivals.through, arrivals.over, arrivals.entered_after
from marts.stage_arrivals as arrivals
where arrivals.grain = 'month' and arrivals.dimension = 'all' and arrivals.from_stage = 'mql' and arrivals.to_stage = 'sal'
order by arrivals.period_start
