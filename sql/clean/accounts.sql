-- One row per account that an input delivered or a lead names, with its attributes as last delivered.
-- key: account_no
-- unique: account_id
-- not null: account_id
-- column has_attributes: whether any input of accounts delivered the account; false = named by leads only
-- column attributes_load_no: load that delivered the attributes
-- column attributes_row_number: row of that load
with
delivered as (
    from raw.accounts
),

leads as (
    from clean.leads
),

latest as (
    select delivered.*
    from delivered
    qualify row_number() over (
        partition by delivered.account_id order by delivered.load_no desc, delivered.row_number desc
    ) = 1
),

known as (
    select latest.account_id from latest
    union
    select leads.account_id from leads where leads.account_id is not null
)

select
    cast(row_number() over (order by known.account_id) as integer) as account_no,
    known.account_id,
    latest.account_id is not null as has_attributes,
    latest.load_no as attributes_load_no,
    latest.row_number as attributes_row_number,
    latest.* exclude (account_id, input, load_no, row_number, recorded_at)
from known
left join latest on latest.account_id = known.account_id
order by known.account_id
