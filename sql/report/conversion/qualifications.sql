-- One row per report and team that qualified a cycle, and one for direct: how many cycles it made ready (C6).
-- unit: cycles
-- basis: all history; the team of the highest stage that qualifies and that the cycle entered; direct: it entered none
-- denominator: all cycles
-- key: report, qualified_by
-- not null: cycles, share
-- column qualifier_no: place in the report: the largest first, direct last
-- column qualified_by: the team of the highest qualifying stage of the cycle; direct if none
-- column cycles: cycles that it qualified
-- column share: cycles / all cycles
with
shown_stays as (from journey.shown_stays),

cycles as (
    select shown_stays.report, cycles.*
    from journey.cycles_facts as cycles
    inner join shown_stays
        on shown_stays.lead_no = cycles.lead_no and shown_stays.span_no = cycles.first_span_no
),

counted as (
    select cycles.report, cycles.qualified_by, count(*) as cycles
    from cycles
    group by cycles.report, cycles.qualified_by
)

select
    counted.report,
    row_number() over (
        partition by counted.report
        order by counted.qualified_by = 'direct', counted.cycles desc, counted.qualified_by
    ) as qualifier_no,
    counted.qualified_by,
    counted.cycles,
    counted.cycles / cast(sum(counted.cycles) over (partition by counted.report) as double) as share
from counted
order by counted.report, qualifier_no
