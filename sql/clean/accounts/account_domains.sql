-- One row per domain that can match a lead to an account, with the account that owns it (A2).
-- An account has one domain: the column domain of its latest row or, if that has no business domain, the column website.
-- A merged account passes its domain to the surviving account.
-- key: domain
-- not null: accounts
-- check: (account_id is null) = (accounts > 1)
-- column domain: registrable domain; never one of free mail, of disposable addresses or of [accounts] never_match
-- column account_id: the account; null = several accounts have the domain, so it matches none
-- column accounts: number of accounts with the domain
with
delivered as (from raw.accounts),
host_texts as (from raw.host_texts),
domains as (from raw.domains),
survivors as (from clean.account_survivors),

latest as (
    select delivered.account_id, delivered.load_no, delivered.row_number
    from delivered
    qualify row_number() over (
        partition by delivered.account_id order by delivered.load_no desc, delivered.row_number desc
    ) = 1
),

given as (
    select latest.account_id, arg_min(domains.domain, host_texts.place) as domain
    from latest
    inner join host_texts
        on host_texts.table_name = 'accounts'
        and host_texts.load_no = latest.load_no
        and host_texts.row_number = latest.row_number
    inner join domains on domains.host_text = host_texts.host_text and domains.kind = 'business'
    group by latest.account_id
),

surviving as (
    select distinct given.domain, coalesce(survivors.survivor_id, given.account_id) as account_id
    from given
    left join survivors on survivors.account_id = given.account_id
)

select
    surviving.domain,
    case when count(*) = 1 then min(surviving.account_id) end as account_id,
    cast(count(*) as integer) as accounts
from surviving
group by surviving.domain
