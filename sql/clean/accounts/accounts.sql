-- One row per account (after merges) that an input delivered or a lead names, with its attributes as last delivered.
-- Accounts are numbered in the order in which the landing log first contains them, as leads are.
-- key: account_no
-- unique: account_id
-- not null: account_id
-- column has_attributes: whether an input of accounts delivered the account; false = only leads name it
-- column attributes_load_no: load that delivered the attributes
-- column attributes_row_number: row of that load
with
delivered as (from raw.accounts),
leads as (from clean.leads),

merges as (
    select merges.* from raw.merges as merges where lower(merges.object) = 'account'
),

records as (from clean.account_records),
delivered_leads as (from raw.leads),

latest as (
    select records.account_id, delivered.* exclude (account_id)
    from records
    inner join delivered on delivered.load_no = records.load_no and delivered.row_number = records.row_number
),

-- A merge numbers its ids with its load, even if it is dated after as-of: otherwise the numbers of later ids would change.
named as (
    select delivered.account_id, cast(delivered.load_no as bigint) * 8589934592 + delivered.row_number as place
    from delivered
    union all
    select delivered_leads.account_id, cast(delivered_leads.load_no as bigint) * 8589934592 + delivered_leads.row_number
    from delivered_leads
    where delivered_leads.account_id is not null
    union all
    select merges.from_lead_id, cast(merges.load_no as bigint) * 8589934592 + merges.row_number from merges
    union all
    select merges.into_lead_id, cast(merges.load_no as bigint) * 8589934592 + merges.row_number from merges
),

firsts as (
    select named.account_id, min(named.place) as place
    from named
    group by named.account_id
),

numbered as (
    select
        firsts.account_id,
        cast(row_number() over (order by firsts.place, firsts.account_id) as integer) as account_no
    from firsts
),

-- An account that was merged away, or that only an earlier version of a lead names, has a number but no row.
known as (
    select latest.account_id from latest
    union
    select leads.account_id from leads where leads.account_id is not null
)

select
    numbered.account_no,
    known.account_id,
    latest.account_id is not null as has_attributes,
    latest.load_no as attributes_load_no,
    latest.row_number as attributes_row_number,
    latest.* exclude (account_id, input, load_no, row_number, recorded_at, record_number, given)
from known
inner join numbered on numbered.account_id = known.account_id
left join latest on latest.account_id = known.account_id
order by numbered.account_no
