-- One row per lead (after merges), with its attributes as last delivered.
-- key: lead_no
-- unique: lead_id
-- not null: lead_id, is_in_scope
-- column account_match: input = the account was given with the lead; null = no account
-- column is_in_scope: whether the lead counts at all
-- column has_attributes: whether any input of leads delivered the lead; false = known from history only
-- column deleted_at: when the lead was deleted in its source, up to as-of
-- column attributes_load_no: load that delivered the attributes
-- column attributes_row_number: row of that load
with
run as (
    from waterfall.run
),

lead_ids as (
    from clean.lead_ids
),

delivered as (
    from raw.leads
),

deletions as (
    from raw.deletions
),

survivors as (
    select distinct lead_ids.lead_no, lead_ids.survivor_id
    from lead_ids
),

-- The survivor's own record first; a merged lead's only when the survivor has none.
latest as (
    select lead_ids.lead_no, delivered.*
    from delivered
    inner join lead_ids on lead_ids.lead_id = delivered.lead_id
    qualify row_number() over (
        partition by lead_ids.lead_no
        order by
            case when delivered.lead_id = lead_ids.survivor_id then 0 else 1 end,
            delivered.load_no desc,
            delivered.row_number desc
    ) = 1
),

deleted as (
    select deletions.lead_id, deletions.deleted_at
    from deletions
    cross join run
    where deletions.deleted_at <= run.as_of
    qualify row_number() over (
        partition by deletions.lead_id order by deletions.load_no desc, deletions.row_number desc
    ) = 1
)

select
    survivors.lead_no,
    survivors.survivor_id as lead_id,
    latest.account_id,
    case when latest.account_id is not null then 'input' end as account_match,
    latest.origin,
    latest.lead_source,
    true as is_in_scope,
    latest.lead_no is not null as has_attributes,
    deleted.deleted_at,
    latest.load_no as attributes_load_no,
    latest.row_number as attributes_row_number,
    latest.* exclude (lead_no, lead_id, account_id, origin, lead_source, input, load_no, row_number, recorded_at)
from survivors
left join latest on latest.lead_no = survivors.lead_no
left join deleted on deleted.lead_id = survivors.survivor_id
order by survivors.lead_no
