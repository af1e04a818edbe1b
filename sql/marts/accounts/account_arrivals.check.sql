-- Accounts that arrived, and the leads that arrived there, are those that marts.lead_to_account counts as reached by as-of.
-- severity: fail
with
account_arrivals as (from marts.account_arrivals),

reached as (
    select lead_to_account.*
    from marts.lead_to_account
    where lead_to_account.basis = 'reached' and lead_to_account.grain = 'all' and lead_to_account.dimension = 'all'
),

summed as (
    select account_arrivals.stage, count(*) as accounts, sum(account_arrivals.leads_reached) as leads
    from account_arrivals
    group by account_arrivals.stage
)

select reached.stage
from reached
left join summed on summed.stage = reached.stage
where
    reached.accounts <> coalesce(summed.accounts, 0)
    or reached.leads_with_account <> coalesce(summed.leads, 0)
