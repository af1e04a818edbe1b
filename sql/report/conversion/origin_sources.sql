-- One row per report and source of origins, and one for leads without an origin: how many leads have their origin from it.
-- Leads in scope with history; in the report of one value, those that began with it. clean.leads has the origin of each lead.
-- unit: leads with history
-- basis: all history; the origin is the lead’s, as it is now
-- denominator: all leads with history, in scope
-- key: report, source
-- not null: leads
-- accepted source: rule, default, input, nobody
-- column source_no: position in the report, in the order in which the sources are tried
-- column source: rule = a rule of [[origins]]; default = origin_default; input = the lead's input; nobody = no origin
-- column leads: leads whose origin comes from it
-- column share: leads / all leads of the table
with
reports as (from waterfall.reports),
leads as (from clean.leads),
shown_stays as (from journey.shown_stays),

sources as (
    select unnest(['rule', 'default', 'input', 'nobody']) as source, unnest([1, 2, 3, 4]) as source_no
),

with_history as (
    select shown_stays.report, shown_stays.lead_no from shown_stays where shown_stays.span_no = 1
),

counted as (
    select with_history.report, coalesce(leads.origin_source, 'nobody') as source, count(*) as leads
    from leads
    inner join with_history on with_history.lead_no = leads.lead_no
    where leads.is_in_scope
    group by with_history.report, leads.origin_source
),

filled as (
    select reports.report, sources.source_no, sources.source, coalesce(counted.leads, 0) as leads
    from reports
    cross join sources
    left join counted on counted.report = reports.report and counted.source = sources.source
)

select
    filled.report,
    filled.source_no,
    filled.source,
    filled.leads,
    filled.leads / nullif(cast(sum(filled.leads) over (partition by filled.report) as double), 0) as share
from filled
order by filled.report, filled.source_no
