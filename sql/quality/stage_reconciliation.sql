-- One row per lead in a stage whose source shows a current stage: whether its history ends in that stage at as-of.
-- A lead agrees if its own record, or that of a lead merged into it, shows the stage. Records are those last delivered, so an as-of in the
-- past compares its history with a later state. Deleted leads are in no stage.
-- key: lead_no
-- unique: lead_id
-- not null: lead_id, history_stage, entered_at, stage_text, outcome
-- accepted outcome: agrees, differs, unknown
-- check: (outcome = 'unknown') = (current_stage is null)
-- check: (outcome = 'agrees') = (coalesce(current_stage, '') = history_stage)
-- column history_stage: stage of its last entry
-- column entered_at: moment (UTC) of that entry
-- column current_stage: stage that the source shows; null = no alias matches
-- column stage_text: the same, as delivered
-- column outcome: agrees; differs = the source shows another stage; unknown = it shows one that no alias matches
with
leads as (from clean.leads),
lead_ids as (from clean.lead_ids),
delivered as (from raw.leads),
spans as (from journey.spans_facts),
stages as (from waterfall.stages),
aliases as (from waterfall.stage_aliases),

merged_records as (
    select lead_ids.lead_no, delivered.current_stage, delivered.load_no, delivered.row_number
    from lead_ids
    inner join delivered on delivered.lead_id = lead_ids.lead_id
    where lead_ids.own_no <> lead_ids.lead_no
    qualify row_number() over (
        partition by lead_ids.own_no order by delivered.load_no desc, delivered.row_number desc
    ) = 1
),

records as (
    select
        leads.lead_no,
        leads.current_stage,
        false as is_merged,
        leads.attributes_load_no as load_no,
        leads.attributes_row_number as row_number
    from leads
    where leads.current_stage is not null
    union all
    select
        merged_records.lead_no,
        merged_records.current_stage,
        true,
        merged_records.load_no,
        merged_records.row_number
    from merged_records
    where merged_records.current_stage is not null
),

-- There are few spellings, so each one is normalised once.
spellings as (
    select distinct records.current_stage from records
),

named as (
    select
        spellings.current_stage,
        lower(trim(regexp_replace(nfc_normalize(regexp_replace(spellings.current_stage, '[\x{AD}\x{61C}\x{200B}-\x{200F}\x{202A}-\x{202E}\x{2060}\x{2066}-\x{2069}\x{FEFF}]', '', 'g')), '[\t\n\x0B\f\r\x{85}\p{Z}]+', ' ', 'g'), ' ')) as alias
    from spellings
),

-- The record that agrees, else the lead's own record, else the last one delivered.
compared as (
    select
        spans.lead_no,
        spans.stage_no as history_stage_no,
        spans.entered_at,
        aliases.stage_no as current_stage_no,
        records.current_stage as stage_text
    from records
    inner join spans on spans.lead_no = records.lead_no and spans.exited_at is null
    inner join named on named.current_stage = records.current_stage and named.alias <> ''
    left join aliases on aliases.alias = named.alias
    qualify row_number() over (
        partition by spans.lead_no
        order by
            aliases.stage_no is not distinct from spans.stage_no desc,
            records.is_merged,
            records.load_no desc,
            records.row_number desc
    ) = 1
)

select
    compared.lead_no,
    leads.lead_id,
    history_stages.stage as history_stage,
    compared.entered_at,
    current_stages.stage as current_stage,
    compared.stage_text,
    case
        when compared.current_stage_no is null then 'unknown'
        when compared.current_stage_no = compared.history_stage_no then 'agrees'
        else 'differs'
    end as outcome
from compared
inner join leads on leads.lead_no = compared.lead_no
inner join stages as history_stages on history_stages.stage_no = compared.history_stage_no
left join stages as current_stages on current_stages.stage_no = compared.current_stage_no
order by compared.lead_no
