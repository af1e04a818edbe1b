-- One row per landed row of stage history, with numbers in place of texts. A row never changes once it is written.
-- Texts cost more than numbers in every join and window, so they are read only here.
-- key: load_no, row_number
-- not null: own_no, entered_at, words_key
-- column own_no: number of the lead id as delivered, before merges
-- column stage_no: number of the stage; null = no alias of the waterfall matches
-- column old_stage_no: number of the stage before, as the row states it; 0 = no alias matches; null = the row states none
-- column record_created_at: moment (UTC) when the record was created, if the row states it
-- column sequence: the input's own order of rows, if it has one
-- column words_key: description key: the row of clean.entry_words with the texts of the row
with
delivered as (from raw.stage_entries),
lead_ids as (from clean.lead_ids),
aliases as (from waterfall.stage_aliases)

select
    delivered.load_no,
    delivered.row_number,
    lead_ids.own_no,
    aliases.stage_no,
    case when delivered.previous_alias <> '' then coalesce(old_aliases.stage_no, 0) end as old_stage_no,
    delivered.entered_at,
    delivered.record_created_at,
    delivered.sequence,
    hash(delivered.owner, delivered.source_system, delivered.given) as words_key
from delivered
inner join lead_ids on lead_ids.lead_id = delivered.lead_id
left join aliases on aliases.alias = delivered.stage_alias
left join aliases as old_aliases on old_aliases.alias = delivered.previous_alias
