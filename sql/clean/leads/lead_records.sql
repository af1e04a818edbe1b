-- One row per lead (after merges), with the delivered row that describes it.
-- key: lead_no
-- unique: lead_id
-- not null: lead_id
-- column account_id: account id in that row
-- column load_no: load that delivered the row; null = the lead appears only in history
-- column row_number: row of that load
with
lead_ids as (from clean.lead_ids),
delivered as (from raw.leads),

survivors as (
    select lead_ids.lead_no, lead_ids.lead_id as survivor_id
    from lead_ids
    where lead_ids.lead_no = lead_ids.own_no and lead_ids.is_lead
),

-- The survivor's own record comes first; a merged lead's record counts only if the survivor has none.
latest as (
    select lead_ids.lead_no, delivered.load_no, delivered.row_number, delivered.account_id
    from delivered
    inner join lead_ids on lead_ids.lead_id = delivered.lead_id
    qualify row_number() over (
        partition by lead_ids.lead_no
        order by
            case when delivered.lead_id = lead_ids.survivor_id then 0 else 1 end,
            delivered.load_no desc,
            delivered.row_number desc
    ) = 1
)

select
    survivors.lead_no,
    survivors.survivor_id as lead_id,
    latest.account_id,
    latest.load_no,
    latest.row_number
from survivors
left join latest on latest.lead_no = survivors.lead_no
