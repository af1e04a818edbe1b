-- One row per lead, with its account and how it was matched, or why it was not (A2).
-- The account id from the input comes first, resolved through account merges (E3), even if no input of accounts has it. Then comes the
-- domain of the e-mail address, then the domain of the website.
-- key: lead_no
-- not null: outcome
-- accepted account_match: input, email_domain, website
-- accepted outcome: input, email_domain, website, ambiguous, unknown_domain, never_match, disposable, free_mail, no_domain, not_tried
-- check: (account_id is null) = (account_match is null)
-- column outcome: account_match, or why there is none, as listed in quality.account_matching
with
lead_records as (from clean.lead_records),
account_domains as (from clean.account_domains),
survivors as (from clean.account_survivors),
host_texts as (from raw.host_texts),
domains as (from raw.domains),

lookups as (
    select
        lead_records.lead_no,
        host_texts.place,
        domains.kind,
        account_domains.account_id,
        coalesce(account_domains.accounts > 1, false) as is_ambiguous
    from lead_records
    inner join host_texts
        on host_texts.table_name = 'leads'
        and host_texts.load_no = lead_records.load_no
        and host_texts.row_number = lead_records.row_number
    inner join domains on domains.host_text = host_texts.host_text
    left join account_domains on account_domains.domain = domains.domain
    where lead_records.account_id is null and domains.domain is not null
),

matches as (
    select
        lookups.lead_no,
        arg_min(lookups.account_id, lookups.place) filter (where lookups.account_id is not null) as account_id,
        min(lookups.place) filter (where lookups.account_id is not null) as place,
        bool_or(lookups.is_ambiguous) as is_ambiguous,
        -- If neither domain matches, the reason of the better kind of domain is shown.
        arg_min(lookups.kind, list_position(['business', 'never_match', 'disposable', 'free_mail'], lookups.kind)) as kind
    from lookups
    group by lookups.lead_no
),

tried as (
    select count(*) > 0 as is_tried from host_texts where host_texts.table_name = 'accounts'
),

decided as (
    select
        lead_records.lead_no,
        lead_records.account_id as input_account_id,
        coalesce(survivors.survivor_id, lead_records.account_id) as surviving_account_id,
        matches.account_id as found_account_id,
        case
            when lead_records.account_id is not null then 'input'
            when matches.place = 1 then 'email_domain'
            when matches.place = 2 then 'website'
            when not tried.is_tried then 'not_tried'
            when matches.is_ambiguous then 'ambiguous'
            when matches.kind = 'business' then 'unknown_domain'
            else coalesce(matches.kind, 'no_domain')
        end as outcome
    from lead_records
    cross join tried
    left join survivors on survivors.account_id = lead_records.account_id
    left join matches on matches.lead_no = lead_records.lead_no
)

select
    decided.lead_no,
    coalesce(decided.surviving_account_id, decided.found_account_id) as account_id,
    case when decided.outcome in ('input', 'email_domain', 'website') then decided.outcome end as account_match,
    decided.input_account_id,
    decided.outcome
from decided
