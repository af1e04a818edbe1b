-- One row per accepted stage entry: the only source of every number.
-- as: view
-- column entry_no: 1, 2 … in the order in which the lead entered (E5)
-- column original_lead_id: the id as delivered, before merges
-- column basis: observed = recorded in history; inferred = from the lead's creation (E9)
-- column load_no: load of the row of history; null if inferred
-- column row_number: its row; null if inferred
with
entries as (from clean.entries_facts),
words as (from clean.entry_words),
lead_ids as (from clean.lead_ids),
leads as (from clean.leads),
stages as (from waterfall.stages),
loads as (from clean.loads)

select
    entries.lead_no,
    entries.entry_no,
    leads.lead_id,
    stages.stage,
    entries.stage_no,
    entries.entered_at,
    entries.entered_date,
    words.owner,
    words.source_system,
    loads.recorded_at,
    entries.basis,
    lead_ids.lead_id as original_lead_id,
    loads.input,
    case when entries.basis = 'observed' then entries.load_no end as load_no,
    case when entries.basis = 'observed' then entries.row_number end as row_number
from entries
inner join leads on leads.lead_no = entries.lead_no
inner join lead_ids on lead_ids.own_no = entries.own_no
inner join stages on stages.stage_no = entries.stage_no
inner join loads on loads.load_no = entries.load_no
left join words on words.words_key = entries.words_key
