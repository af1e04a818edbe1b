-- One row per account (after merges) that an input delivered, with the delivered row that describes it.
-- key: account_id
-- unique: load_no, row_number
-- not null: load_no, row_number
-- column load_no: load that delivered the row
-- column row_number: row of that load
with
delivered as (from raw.accounts),
survivors as (from clean.account_survivors),

resolved as (
    select
        coalesce(survivors.survivor_id, delivered.account_id) as account_id,
        delivered.load_no,
        delivered.row_number,
        survivors.survivor_id is not null as was_merged
    from delivered
    left join survivors on survivors.account_id = delivered.account_id
)

-- The survivor's own record comes first; a merged account's record counts only if the survivor has none.
select resolved.account_id, resolved.load_no, resolved.row_number
from resolved
qualify row_number() over (
    partition by resolved.account_id
    order by resolved.was_merged, resolved.load_no desc, resolved.row_number desc
) = 1
