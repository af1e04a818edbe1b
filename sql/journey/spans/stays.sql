-- One row per span of a lead in a stage, with how the lead came and how it left (S1, S2), in numbers only.
-- as: view
-- column arrival_kind: how the lead came: new, restored after a deletion (E10), or the exit kind of the span before
-- column is_last: the lead has no later span
-- column words_key: description key: the row of clean.entry_words with the texts of the row of history
with
entries as (from clean.entries_facts),
stages as (from waterfall.stages),

deleted_leads as (
    select leads.lead_no, leads.deleted_at from clean.leads where leads.deleted_at is not null
),

zone_days as (from waterfall.zone_days),

-- An entry after a deletion does not follow an entry before it (E10).
parted as (
    select
        entries.*,
        deleted_leads.deleted_at,
        entries.next_entered_at is null as is_last,
        coalesce(
            entries.entered_at <= deleted_leads.deleted_at
            and coalesce(entries.next_entered_at > deleted_leads.deleted_at, true),
            false
        ) as is_deleted
    from entries
    left join deleted_leads on deleted_leads.lead_no = entries.lead_no
),

with_neighbours as (
    select
        parted.lead_no,
        parted.entry_no,
        parted.run_no,
        parted.stage_no,
        parted.entered_at,
        parted.entered_date,
        parted.words_key,
        parted.deleted_at,
        parted.is_deleted,
        parted.is_last,
        next_stages.stage_no as next_stage_no,
        parted.next_entered_at,
        parted.next_entered_date,
        stages.kind,
        stages.rank,
        previous_stages.kind as previous_kind,
        previous_stages.rank as previous_rank,
        next_stages.kind as next_kind,
        next_stages.rank as next_rank
    from parted
    inner join stages on stages.stage_no = parted.stage_no
    left join stages as previous_stages on previous_stages.stage_no = parted.previous_stage_no
    left join stages as next_stages on next_stages.stage_no = parted.next_stage_no and not parted.is_deleted
),

ended as (
    select
        with_neighbours.*,
        case when with_neighbours.is_deleted then with_neighbours.deleted_at else with_neighbours.next_entered_at end as exited_at,
        case
            when with_neighbours.is_deleted then 'deleted'
            when with_neighbours.next_kind is null then 'open'
            when with_neighbours.next_kind = 'hold' then 'held'
            when with_neighbours.next_kind = 'detour' then 'detoured'
            when with_neighbours.next_kind = 'exit' then 'exited'
            when with_neighbours.kind <> 'path' then 'returned'
            when with_neighbours.next_rank > with_neighbours.rank then 'advanced'
            when with_neighbours.next_rank = with_neighbours.rank then 'sideways'
            else 'regressed'
        end as exit_kind,
        case
            when with_neighbours.entry_no = 1 then 'new'
            when with_neighbours.previous_kind is null then 'restored'
            when with_neighbours.kind = 'hold' then 'held'
            when with_neighbours.kind = 'detour' then 'detoured'
            when with_neighbours.kind = 'exit' then 'exited'
            when with_neighbours.previous_kind <> 'path' then 'returned'
            when with_neighbours.rank > with_neighbours.previous_rank then 'advanced'
            when with_neighbours.rank = with_neighbours.previous_rank then 'sideways'
            else 'regressed'
        end as arrival_kind
    from with_neighbours
)

select
    ended.lead_no,
    ended.entry_no as span_no,
    ended.run_no as cycle_no,
    ended.stage_no,
    ended.entered_at,
    ended.exited_at,
    ended.entered_date,
    case
        when ended.next_kind is not null then ended.next_entered_date
        else cast(
            ended.exited_at + to_seconds(
                case when ended.exited_at < zone_days.changes_at or zone_days.changes_at is null
                    then zone_days.offset_before_s else zone_days.offset_after_s end
            ) as date
        )
    end as exited_date,
    ended.exit_kind,
    ended.arrival_kind,
    -- Ranks are dense, so a gap of two means that a path rank was skipped.
    coalesce(ended.exit_kind = 'advanced' and ended.next_rank > ended.rank + 1, false) as skipped,
    ended.next_stage_no,
    ended.is_last,
    ended.words_key
from ended
left join zone_days on zone_days.utc_date = cast(ended.exited_at as date)
