-- One row per stay of a lead in a stage, in numbers only; journey.stage_spans puts the words back.
-- C2: a path entry opens the next cycle when the lead came from a detour or an exit, or moved to a lower rank. A hold
-- is looked through. So one look back decides: at the rank of the last stay that was no hold, a detour or an exit
-- counting as a rank above all others.
-- key: lead_no, span_no
-- not null: stage_no, entered_at, exit_kind, arrival_kind
-- accepted exit_kind: advanced, sideways, regressed, held, detoured, exited, returned, deleted, open
-- accepted arrival_kind: new, advanced, sideways, regressed, held, detoured, exited, returned
-- check: exited_at >= entered_at
-- check: (exit_kind = 'open') = (exited_at is null)
-- column arrival_kind: how the lead came: new, or the exit kind of the stay before
with
run as (
    from waterfall.run
),

entries as (
    select
        entries.lead_no,
        entries.entry_no,
        entries.stage_no,
        entries.entered_at,
        entries.entered_date
    from clean.stage_entries as entries
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

ranked as (
    select
        entries.*,
        stages.kind,
        stages.rank,
        -- Ranks are dense and small: 32767 stands above the path.
        case stages.kind when 'path' then stages.rank when 'hold' then null else 32767 end as rank_or_end
    from entries
    inner join stages on stages.stage_no = entries.stage_no
),

beside as (
    select
        ranked.lead_no,
        ranked.entry_no,
        ranked.stage_no,
        ranked.entered_at,
        ranked.entered_date,
        ranked.kind,
        ranked.rank,
        last_value(ranked.rank_or_end ignore nulls) over (
            lead_order rows between unbounded preceding and 1 preceding
        ) as last_rank,
        lag(ranked.kind) over lead_order as previous_kind,
        lag(ranked.rank) over lead_order as previous_rank,
        lead(ranked.kind) over lead_order as next_kind,
        lead(ranked.rank) over lead_order as next_rank,
        lead(ranked.stage_no) over lead_order as next_stage_no,
        lead(ranked.entered_at) over lead_order as next_entered_at,
        lead(ranked.entered_date) over lead_order as next_entered_date
    from ranked
    window lead_order as (partition by ranked.lead_no order by ranked.entry_no)
),

counted as (
    select
        beside.*,
        count(*) filter (
            where beside.kind = 'path' and beside.rank < coalesce(beside.last_rank, 32767)
        ) over (partition by beside.lead_no order by beside.entry_no rows unbounded preceding) as cycle_no
    from beside
),

ended as (
    select
        counted.*,
        case
            when counted.next_kind is not null then counted.next_entered_at
            -- A deletion can't precede the last thing known of the lead.
            when deleted_leads.lead_no is not null then greatest(deleted_leads.deleted_at, counted.entered_at)
        end as exited_at,
        case
            when counted.next_kind is null then case when deleted_leads.lead_no is null then 'open' else 'deleted' end
            when counted.next_kind = 'hold' then 'held'
            when counted.next_kind = 'detour' then 'detoured'
            when counted.next_kind = 'exit' then 'exited'
            when counted.kind <> 'path' then 'returned'
            when counted.next_rank > counted.rank then 'advanced'
            when counted.next_rank = counted.rank then 'sideways'
            else 'regressed'
        end as exit_kind,
        case
            when counted.previous_kind is null then 'new'
            when counted.kind = 'hold' then 'held'
            when counted.kind = 'detour' then 'detoured'
            when counted.kind = 'exit' then 'exited'
            when counted.previous_kind <> 'path' then 'returned'
            when counted.rank > counted.previous_rank then 'advanced'
            when counted.rank = counted.previous_rank then 'sideways'
            else 'regressed'
        end as arrival_kind
    from counted
    left join deleted_leads on deleted_leads.lead_no = counted.lead_no
)

select
    ended.lead_no,
    ended.entry_no as span_no,
    cast(ended.cycle_no as integer) as cycle_no,
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
    ended.next_stage_no
from ended
left join zone_days on zone_days.utc_date = cast(ended.exited_at as date)
