-- One row per scope rule: how many leads it excludes from every count (E8). A lead counts under the first rule that matches.
-- unit: leads
-- basis: the configuration of this run; such leads are in no other figure
-- key: rule_no
-- unique: rule
-- not null: reason, leads, entries
-- column rule_no: position in the configuration
-- column rule: name of the rule
-- column reason: why such leads do not count
-- column leads: leads out of scope by it
-- column entries: their rows of history; out_of_scope in quality.row_accounting is the sum
with
scope_rules as (from waterfall.scope_rules),
leads as (from clean.leads),

entry_rows as (
    select rows.lead_no, count(*) as entries
    from clean.entry_rows as rows
    where rows.disposition = 'out_of_scope'
    group by rows.lead_no
)

select
    scope_rules.rule_no,
    scope_rules.rule,
    scope_rules.reason,
    count(leads.lead_no) as leads,
    cast(coalesce(sum(entry_rows.entries), 0) as bigint) as entries
from scope_rules
left join leads on leads.scope_rule = scope_rules.rule
left join entry_rows on entry_rows.lead_no = leads.lead_no
group by scope_rules.rule_no, scope_rules.rule, scope_rules.reason
order by scope_rules.rule_no
