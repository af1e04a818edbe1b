-- One row per lead (after merges), with its attributes as last delivered, its account, its origin and whether it is in scope.
-- key: lead_no
-- unique: lead_id
-- not null: lead_id, is_in_scope
-- accepted account_match: input, email_domain, website
-- column account_id: id of its account, after account merges: from the input, else matched by domain (A2)
-- column account_match: input = delivered with the lead; email_domain, website = matched by that domain; null = no account
-- column input_account_id: account id in the input, before merges
-- accepted origin_source: rule, default, input
-- check: is_in_scope = (scope_rule is null)
-- column origin: who generated the lead: from the first origin rule that matches, else the default, else as delivered
-- column origin_source: rule, default or input; null = no origin is known
-- column origin_rule_no: number of the origin rule that matched
-- column is_in_scope: whether the lead counts at all (E8)
-- column scope_rule: the first scope rule that excludes it
-- column has_attributes: whether an input of leads delivered the lead; false = the lead appears only in history
-- column deleted_at: when the lead was deleted in its source, up to as-of; also null if a later row without a time
-- undid the deletion (E10). An entry after this time restores the lead
-- column attributes_load_no: load that delivered the attributes
-- column attributes_row_number: row of that load
with
run as (from waterfall.run),
lead_records as (from clean.lead_records),
lead_accounts as (from clean.lead_accounts),
rule_matches as (from clean.rule_matches),
scope_rules as (from waterfall.scope_rules),
origin_rules as (from waterfall.origin_rules),
delivered as (from raw.leads),
deletions as (from raw.deletions),

latest as (
    select lead_records.lead_no, delivered.*
    from lead_records
    inner join delivered
        on delivered.load_no = lead_records.load_no and delivered.row_number = lead_records.row_number
),

first_matches as (
    select
        rule_matches.lead_no,
        min(rule_matches.rule_no) filter (where rule_matches.purpose = 'scope') as scope_rule_no,
        min(rule_matches.rule_no) filter (where rule_matches.purpose = 'origin') as origin_rule_no
    from rule_matches
    group by rule_matches.lead_no
),

deleted as (
    select deletions.lead_id, deletions.deleted_at
    from deletions
    cross join run
    where deletions.deleted_at is null or deletions.deleted_at <= run.as_of
    qualify row_number() over (
        partition by deletions.lead_id order by deletions.load_no desc, deletions.row_number desc
    ) = 1
)

select
    lead_records.lead_no,
    lead_records.lead_id,
    lead_accounts.account_id,
    lead_accounts.account_match,
    lead_accounts.input_account_id,
    coalesce(origin_rules.origin, run.origin_default, latest.origin) as origin,
    case
        when origin_rules.origin is not null then 'rule'
        when run.origin_default is not null then 'default'
        when latest.origin is not null then 'input'
    end as origin_source,
    origin_rules.rule_no as origin_rule_no,
    latest.lead_source,
    scope_rules.rule_no is null as is_in_scope,
    scope_rules.rule as scope_rule,
    latest.lead_no is not null as has_attributes,
    deleted.deleted_at,
    latest.load_no as attributes_load_no,
    latest.row_number as attributes_row_number,
    latest.* exclude (
        lead_no, lead_id, account_id, origin, lead_source, input, load_no, row_number, recorded_at, record_number, given
    )
from lead_records
cross join run
inner join lead_accounts on lead_accounts.lead_no = lead_records.lead_no
left join latest on latest.lead_no = lead_records.lead_no
left join first_matches on first_matches.lead_no = lead_records.lead_no
left join scope_rules on scope_rules.rule_no = first_matches.scope_rule_no
left join origin_rules on origin_rules.rule_no = first_matches.origin_rule_no
left join deleted on deleted.lead_id = lead_records.lead_id
order by lead_records.lead_no
