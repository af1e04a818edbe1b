-- The slices of a dimension add up to the leads of the total; distinct accounts need not, since one can be in two slices.
-- severity: fail
with
lead_to_account as (
    select lead_to_account.*
    from marts.lead_to_account
    where lead_to_account.grain in ('month', 'all')
),

dimensions as (from waterfall.dimensions),

summed as (
    select
        lead_to_account.grain,
        lead_to_account.period_start,
        lead_to_account.basis,
        lead_to_account.stage,
        lead_to_account.dimension,
        sum(lead_to_account.leads) as leads,
        sum(lead_to_account.leads_with_account) as leads_with_account
    from lead_to_account
    group by
        lead_to_account.grain,
        lead_to_account.period_start,
        lead_to_account.basis,
        lead_to_account.stage,
        lead_to_account.dimension
)

-- A dimension without any row has no sum to compare, so the number of dimensions is compared, too.
select summed.grain, summed.period_start, summed.basis, summed.stage
from summed
group by summed.grain, summed.period_start, summed.basis, summed.stage
having
    min(summed.leads) <> max(summed.leads)
    or min(summed.leads_with_account) <> max(summed.leads_with_account)
    or (count(*) < (select count(*) from dimensions) and max(summed.leads) > 0)
