-- One row per e-mail address that two or more leads have, over leads in scope with history; the address itself is not stored.
-- Addresses are compared in lower case, as last delivered. A deleted lead counts, because the other may be the same person, created again.
-- The table only reports: no lead is merged because of it.
-- key: lead_id
-- not null: leads, examples
-- check: leads >= 2
-- column lead_id: the first of these leads by id
-- column leads: leads that have the address
-- column deleted: of these, deleted in the source by as-of
-- column examples: up to five lead ids, the first by id
with
leads as (from clean.leads),
entries as (from clean.entries_facts),
addresses as (from raw.addresses),

counted as (
    select
        min(leads.lead_id) as lead_id,
        count(*) as leads,
        count(leads.deleted_at) as deleted,
        list_slice(list_sort(list(leads.lead_id)), 1, 5) as examples
    from leads
    inner join addresses
        on addresses.load_no = leads.attributes_load_no and addresses.row_number = leads.attributes_row_number
    where leads.lead_no in (select entries.lead_no from entries)
    group by addresses.address
    having count(*) >= 2
)

select
    counted.lead_id,
    counted.leads,
    counted.deleted,
    counted.examples
from counted
order by counted.lead_id
