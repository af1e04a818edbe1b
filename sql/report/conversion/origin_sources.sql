-- One row per source of origins, and one for leads of which nobody says it: how many leads have their origin from there.
-- Leads in scope with history; in the report of one value those that began with it. The origin of each is in clean.leads.
-- key: source
-- not null: leads
-- accepted source: rule, default, input, nobody
-- column source_no: place in the report, in the order in which they are asked
-- column source: a rule of [[origins]], origin_default, the lead's input, or nobody
-- column leads: leads whose origin comes from there
-- column share: leads / all leads of the table
with
leads as (from clean.leads),
shown_stays as (from journey.shown_stays),

sources as (
    select unnest(['rule', 'default', 'input', 'nobody']) as source, unnest([1, 2, 3, 4]) as source_no
),

with_history as (
    select shown_stays.lead_no from shown_stays where shown_stays.span_no = 1
),

counted as (
    select coalesce(leads.origin_source, 'nobody') as source, count(*) as leads
    from leads
    inner join with_history on with_history.lead_no = leads.lead_no
    where leads.is_in_scope
    group by leads.origin_source
),

filled as (
    select sources.source_no, sources.source, coalesce(counted.leads, 0) as leads
    from sources
    left join counted on counted.source = sources.source
)

select
    filled.source_no,
    filled.source,
    filled.leads,
    filled.leads / nullif(cast(sum(filled.leads) over () as double), 0) as share
from filled
order by filled.source_no
