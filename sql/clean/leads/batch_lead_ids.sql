-- One row per lead id of the leads in the current batch: the rows of clean.lead_ids between first_lead_no and last_lead_no.
-- Only for the build: the models of history read their batch here. Without these variables it has every lead id.
-- as: view
-- key: lead_id
-- column lead_id: the id as delivered
-- column survivor_id: the id after merges
-- column own_no: number of the id as delivered
-- column is_lead: as in clean.lead_ids
with
lead_ids as (from clean.lead_ids)

select lead_ids.*
from lead_ids
where
    lead_ids.lead_no >= coalesce(getvariable('first_lead_no'), 0)
    and lead_ids.lead_no <= coalesce(getvariable('last_lead_no'), 2147483647)
