-- Which owners' leads become SQL without having been accepted?
select spans.owner, count(*) as moves, count(*) filter (where spans.skipped) as skipped
from journey.stage_spans as spans
where spans.stage = 'mql' and spans.exit_kind = 'advanced'
group by spans.owner
order by skipped desc, spans.owner
