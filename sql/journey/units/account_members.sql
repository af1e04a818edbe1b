-- One row per lead in scope that has an account, with its position among the leads of the account.
-- key: lead_no
-- unique: account_no, member_no
-- column member_no: position of the lead in its account, by id: if leads arrive at the same instant, the first one counts
with
leads as (
    select leads.* from clean.leads as leads where leads.is_in_scope
),

accounts as (from clean.accounts)

select
    leads.lead_no,
    accounts.account_no,
    cast(row_number() over (partition by accounts.account_no order by leads.lead_id) as integer) as member_no
from leads
inner join accounts on accounts.account_id = leads.account_id
