-- One row per lead in scope, with its persona: the role of the person in a purchase (docs/RULES.md A5).
-- key: lead_no
-- not null: persona
-- accepted persona_source: rule, input
-- check: (persona_source is null) = (persona = '(none)')
-- column persona: name of the first persona rule that matches, else as delivered; (none) = not known
-- column persona_source: rule or input; null = not known
with
leads as (
    select leads.* from clean.leads where leads.is_in_scope
),

rule_matches as (from clean.rule_matches),
persona_rules as (from waterfall.persona_rules),

first_matches as (
    select rule_matches.lead_no, min(rule_matches.rule_no) as rule_no
    from rule_matches
    where rule_matches.purpose = 'persona'
    group by rule_matches.lead_no
),

delivered_personas as (
    select leads.lead_no, persona_rules.persona as by_rule, nullif(trim(leads.persona), '') as by_input
    from leads
    left join first_matches on first_matches.lead_no = leads.lead_no
    left join persona_rules on persona_rules.rule_no = first_matches.rule_no
)

select
    delivered_personas.lead_no,
    coalesce(delivered_personas.by_rule, delivered_personas.by_input, '(none)') as persona,
    case when delivered_personas.by_rule is not null then 'rule' when delivered_personas.by_input is not null then 'input' end as persona_source
from delivered_personas
