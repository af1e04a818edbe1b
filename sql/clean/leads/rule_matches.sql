-- One row per lead and rule of scope, origin or persona that matches it (E8).
-- A missing value equals no text and matches no pattern, so a negated rule does match it.
-- key: purpose, rule_no, lead_no
-- accepted purpose: scope, origin, persona
-- column purpose: scope, origin or persona
-- column rule_no: number in waterfall.scope_rules, waterfall.origin_rules or waterfall.persona_rules
with
scope_rules as (from waterfall.scope_rules),
origin_rules as (from waterfall.origin_rules),
persona_rules as (from waterfall.persona_rules),
lead_records as (from clean.lead_records),
lead_accounts as (from clean.lead_accounts),
lead_values as (from raw.lead_attributes),
account_values as (from raw.account_attributes),
account_records as (from clean.account_records),

rules as (
    select 'scope' as purpose, scope_rules.* exclude (rule, reason) from scope_rules
    union all
    select 'origin', origin_rules.rule_no, 'leads', origin_rules.* exclude (rule_no, origin) from origin_rules
    union all
    select 'persona', persona_rules.rule_no, 'leads', persona_rules.* exclude (rule_no, persona) from persona_rules
),

rule_values as (
    select
        rules.*,
        lead_records.lead_no,
        -- The account after matching, from the input or by domain.
        case
            when rules.column_name = 'account_id' then lead_accounts.account_id
            else nullif(lead_values.dimension_value, '')
        end as given
    from rules
    cross join lead_records
    inner join lead_accounts on lead_accounts.lead_no = lead_records.lead_no
    left join lead_values
        on lead_values.load_no = lead_records.load_no
        and lead_values.row_number = lead_records.row_number
        and lead_values.dimension = rules.column_name
    where rules.table_name = 'leads'
    union all
    select rules.*, lead_accounts.lead_no, nullif(account_values.dimension_value, '')
    from rules
    cross join lead_accounts
    left join account_records on account_records.account_id = lead_accounts.account_id
    left join account_values
        on account_values.load_no = account_records.load_no
        and account_values.row_number = account_records.row_number
        and account_values.dimension = rules.column_name
    where rules.table_name = 'accounts' and lead_accounts.account_id is not null
)

select rule_values.purpose, rule_values.rule_no, rule_values.lead_no
from rule_values
where
    rule_values.is_negated <> case rule_values.ask
        when 'is_null' then rule_values.given is null
        when 'one_of' then coalesce(list_contains(rule_values.texts, rule_values.given), false)
        when 'matches' then coalesce(regexp_matches(rule_values.given, rule_values.texts[1]), false)
    end
