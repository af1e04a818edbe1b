-- One row per lead in scope that has an account: its place among the account's leads.
-- key: lead_no
-- unique: account_no, member_no
-- column member_no: place of the lead in its account, by id: of leads that arrive at the same instant the first counts
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
