-- Merges form no loop: every chain ends in a lead that was not merged away itself.
-- severity: fail
-- show: lead_id
with
survivors as (from clean.lead_survivors)

select survivors.lead_id
from survivors
where survivors.survivor_id in (select merged.lead_id from survivors as merged)
order by survivors.lead_id
