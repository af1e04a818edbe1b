-- One row per lead whose first accepted entry states another stage before it, with the use of that stage (E9).
-- A history of changes has no row for the stage in which a record was created; only the old value of its first change names it.
-- key: lead_no
-- not null: load_no, row_number, own_no, old_stage_no, entered_at, outcome
-- accepted outcome: entry, unknown_stage, without_date, not_before
-- check: outcome <> 'entry' or (created_at < entered_at and old_stage_no > 0)
-- column own_no: number of the lead id in that row
-- column old_stage_no: number of the stage before; 0 = no alias matches
-- column entered_at: moment (UTC) of the first accepted entry
-- column created_at: moment (UTC) of creation: from the lead's own record, else from the row
-- column load_no: load of the row
-- column row_number: its row
-- column outcome: entry = one more entry, at creation; unknown_stage; without_date = no creation date, or one before 2000; not_before = created no earlier than the entry
with
leads as (from clean.leads),
entry_rows as (from clean.entry_rows),

-- Rows without a stage before; after a deletion, a lead has another such row.
openings as (
    select entry_rows.*
    from entry_rows
    where entry_rows.disposition = 'kept' and entry_rows.previous_stage_no is null
),

candidates as (
    select openings.lead_no from openings where openings.old_stage_no is not null
),

firsts as (
    select
        openings.lead_no,
        arg_min(
            {
                'load_no': openings.load_no,
                'row_number': openings.row_number,
                'own_no': openings.own_no,
                'stage_no': openings.stage_no,
                'old_stage_no': openings.old_stage_no,
                'entered_at': openings.entered_at,
                'record_created_at': openings.record_created_at
            },
            openings.entered_at
        ) as entry
    from openings
    where openings.lead_no in (select candidates.lead_no from candidates)
    group by openings.lead_no
),

-- The record of a merged lead does not date the creation of the survivor.
dated as (
    select
        firsts.lead_no,
        firsts.entry.load_no as load_no,
        firsts.entry.row_number as row_number,
        firsts.entry.own_no as own_no,
        firsts.entry.stage_no as stage_no,
        firsts.entry.old_stage_no as old_stage_no,
        firsts.entry.entered_at as entered_at,
        coalesce(
            case when firsts.entry.own_no = firsts.lead_no then leads.created_at end, firsts.entry.record_created_at
        ) as created_at
    from firsts
    inner join leads on leads.lead_no = firsts.lead_no
)

select
    dated.lead_no,
    dated.own_no,
    dated.old_stage_no,
    dated.entered_at,
    dated.created_at,
    dated.load_no,
    dated.row_number,
    case
        when dated.old_stage_no = 0 then 'unknown_stage'
        when dated.created_at is null or dated.created_at < timestamp '2000-01-01' then 'without_date'
        when dated.created_at >= dated.entered_at then 'not_before'
        else 'entry'
    end as outcome
from dated
where dated.old_stage_no is not null and dated.old_stage_no <> dated.stage_no
