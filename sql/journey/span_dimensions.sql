-- One row per stay and dimension, with the value that held when the stay began (docs/RULES.md section 9); `all` is the total.
-- key: lead_no, span_no, dimension
-- not null: dimension_value
with
spans as (
    from journey.spans_narrow
),

entries as (
    from clean.stage_entries
),

leads as (
    from clean.leads
),

accounts as (
    from clean.accounts
),

cycles as (
    from journey.cycles_narrow
),

stages as (
    from waterfall.stages
),

dimensions as (
    from waterfall.dimensions
),

entry_values as (
    from raw.entry_attributes
),

lead_values as (
    from raw.lead_attributes
),

account_values as (
    from raw.account_attributes
),

current_values as (
    select leads.lead_no, lead_values.dimension, lead_values.dimension_value
    from lead_values
    inner join dimensions
        on dimensions.dimension = lead_values.dimension
        and dimensions.source = 'lead'
        and dimensions.dimension not in ('origin', 'account_id')
    inner join leads
        on leads.attributes_load_no = lead_values.load_no and leads.attributes_row_number = lead_values.row_number
    union all
    select leads.lead_no, 'origin', leads.origin
    from leads
    inner join dimensions on dimensions.dimension = 'origin' and dimensions.source = 'lead'
    union all
    select leads.lead_no, 'account_id', leads.account_id
    from leads
    inner join dimensions on dimensions.dimension = 'account_id' and dimensions.source = 'lead'
    union all
    select leads.lead_no, account_values.dimension, account_values.dimension_value
    from account_values
    inner join dimensions on dimensions.dimension = account_values.dimension and dimensions.source = 'account'
    inner join accounts
        on accounts.attributes_load_no = account_values.load_no
        and accounts.attributes_row_number = account_values.row_number
    inner join leads on leads.account_id = accounts.account_id
),

found as (
    select spans.lead_no, spans.span_no, 'all' as dimension, 'all' as dimension_value
    from spans
    union all
    select entries.lead_no, entries.entry_no, entry_values.dimension, entry_values.dimension_value
    from entry_values
    inner join dimensions on dimensions.dimension = entry_values.dimension and dimensions.source = 'entry'
    inner join entries on entries.load_no = entry_values.load_no and entries.row_number = entry_values.row_number
    union all
    select spans.lead_no, spans.span_no, current_values.dimension, current_values.dimension_value
    from spans
    inner join current_values on current_values.lead_no = spans.lead_no
    union all
    select spans.lead_no, spans.span_no, 'qualified_by', cycles.qualified_by
    from spans
    inner join dimensions on dimensions.dimension = 'qualified_by'
    inner join cycles on cycles.lead_no = spans.lead_no and cycles.cycle_no = spans.cycle_no
    union all
    select spans.lead_no, spans.span_no, 'entry_stage', stages.stage
    from spans
    inner join dimensions on dimensions.dimension = 'entry_stage'
    inner join cycles on cycles.lead_no = spans.lead_no and cycles.cycle_no = spans.cycle_no
    inner join stages on stages.stage_no = cycles.entry_stage_no
    union all
    select spans.lead_no, spans.span_no, 'team', stages.team
    from spans
    inner join dimensions on dimensions.dimension = 'team'
    inner join stages on stages.stage_no = spans.stage_no
)

select
    spans.lead_no,
    spans.span_no,
    dimensions.dimension,
    coalesce(nullif(found.dimension_value, ''), '(none)') as dimension_value
from spans
cross join dimensions
left join found
    on found.lead_no = spans.lead_no and found.span_no = spans.span_no and found.dimension = dimensions.dimension
