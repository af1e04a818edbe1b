-- One row per stay of a lead in a stage: how it came and how it left (S1, S2), in numbers only.
-- as: view
-- column arrival_kind: how the lead came: new, or the exit kind of the stay before
-- column words_key: what the row of history said in words: a row of clean.entry_words
with
entries as (
    from clean.entries_narrow
),

stages as (
    from waterfall.stages
),

deleted_leads as (
    select leads.lead_no, leads.deleted_at from clean.leads where leads.deleted_at is not null
),

zone_days as (
    from waterfall.zone_days
),

beside as (
    select
        entries.lead_no,
        entries.entry_no,
        entries.run_no,
        entries.stage_no,
        entries.entered_at,
        entries.entered_date,
        entries.words_key,
        entries.next_stage_no,
        entries.next_entered_at,
        entries.next_entered_date,
        stages.kind,
        stages.rank,
        previous_stages.kind as previous_kind,
        previous_stages.rank as previous_rank,
        next_stages.kind as next_kind,
        next_stages.rank as next_rank
    from entries
    inner join stages on stages.stage_no = entries.stage_no
    left join stages as previous_stages on previous_stages.stage_no = entries.previous_stage_no
    left join stages as next_stages on next_stages.stage_no = entries.next_stage_no
),

ended as (
    select
        beside.*,
        case
            when beside.next_kind is not null then beside.next_entered_at
            -- A deletion can't precede the last thing known of the lead.
            when deleted_leads.lead_no is not null then greatest(deleted_leads.deleted_at, beside.entered_at)
        end as exited_at,
        case
            when beside.next_kind is null then case when deleted_leads.lead_no is null then 'open' else 'deleted' end
            when beside.next_kind = 'hold' then 'held'
            when beside.next_kind = 'detour' then 'detoured'
            when beside.next_kind = 'exit' then 'exited'
            when beside.kind <> 'path' then 'returned'
            when beside.next_rank > beside.rank then 'advanced'
            when beside.next_rank = beside.rank then 'sideways'
            else 'regressed'
        end as exit_kind,
        case
            when beside.previous_kind is null then 'new'
            when beside.kind = 'hold' then 'held'
            when beside.kind = 'detour' then 'detoured'
            when beside.kind = 'exit' then 'exited'
            when beside.previous_kind <> 'path' then 'returned'
            when beside.rank > beside.previous_rank then 'advanced'
            when beside.rank = beside.previous_rank then 'sideways'
            else 'regressed'
        end as arrival_kind
    from beside
    left join deleted_leads on deleted_leads.lead_no = beside.lead_no
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
    -- Ranks are dense, so a gap of two means that a path rank lies between.
    coalesce(ended.exit_kind = 'advanced' and ended.next_rank > ended.rank + 1, false) as skipped,
    ended.next_stage_no,
    ended.words_key
from ended
left join zone_days on zone_days.utc_date = cast(ended.exited_at as date)
