-- One row per span of a lead in a stage: the fact table (integer keys) behind journey.stage_spans.
-- A history too long for the memory is built in batches, so that its joins do not spill to disk.
-- partition: lead_no, count(*) of clean.entries_facts, 200 bytes each
-- key: lead_no, span_no
-- not null: stage_no, entered_at, exit_kind, arrival_kind, slice_set
-- accepted exit_kind: advanced, sideways, regressed, held, detoured, exited, returned, deleted, open
-- accepted arrival_kind: new, restored, advanced, sideways, regressed, held, detoured, exited, returned
-- check: exited_at >= entered_at
-- check: (exit_kind = 'open') = (exited_at is null)
-- column arrival_kind: how the lead came: new, restored after a deletion (E10), or the exit kind of the span before
-- column is_last: the lead has no later span
-- column words_key: description key: the row of clean.entry_words with the texts of the row of history
-- column slice_set: slice membership: the rows of journey.slice_members with the slices of the span
with
stays as (from journey.stays),
cycles as (from journey.cycles_facts),
lead_given as (from clean.lead_given),
words as (from clean.entry_words),
dimensions as (from waterfall.dimensions),

asked as (
    select
        coalesce(bool_or(dimensions.source = 'entry'), false) as of_entries,
        coalesce(bool_or(dimensions.source = 'cycle'), false) as of_cycles,
        coalesce(bool_or(dimensions.source = 'stage'), false) as of_stages
    from dimensions
)

select
    stays.*,
    -- Only dimensions are hashed, so that there are few memberships.
    hash(
        lead_given.given_key,
        case when asked.of_entries then words.given_key end,
        case when asked.of_cycles then cycles.entry_stage_no end,
        case when asked.of_cycles then cycles.qualified_by end,
        case when asked.of_stages then stays.stage_no end
    ) as slice_set
from stays
cross join asked
inner join lead_given on lead_given.lead_no = stays.lead_no
left join words on words.words_key = stays.words_key
left join cycles on cycles.lead_no = stays.lead_no and cycles.cycle_no = stays.cycle_no
