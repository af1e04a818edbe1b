-- Merges of accounts form no loop: every chain ends in an account that was not merged away itself.
-- severity: fail
-- show: account_id
with
survivors as (from clean.account_survivors)

select survivors.account_id
from survivors
where survivors.survivor_id in (select merged.account_id from survivors as merged)
order by survivors.account_id
