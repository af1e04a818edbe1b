-- One row per value that matches no stage, label, name or alias of the waterfall, with the nearest alias (E1).
-- unit: rows of the inputs
-- basis: all rejected rows with the value, by the day for which they were delivered; spelling: the most frequent
-- key: stage_alias
-- not null: stage_text, entries, leads, first_date, last_date
-- check: first_date <= last_date
-- check: leads <= entries
-- column stage_alias: the value, trimmed, in lower case, with single spaces
-- column stage_text: the value as delivered, in its most frequent spelling
-- column entries: rejected rows with the value
-- column leads: leads of these rows
-- column first_date: the earliest day for which it was delivered; outside the calendar the day in UTC
-- column last_date: the latest day for which it was delivered; outside the calendar the day in UTC
-- column nearest_stage: key of the stage with the most similar alias; a suggestion, never applied
-- column nearest_alias: that alias
-- column nearest_likeness: Jaro-Winkler similarity of the two, 0 to 1
with
delivered as (from raw.stage_entries),
aliases as (from waterfall.stage_aliases),
stages as (from waterfall.stages),
zone_days as (from waterfall.zone_days),

unknown as (
    select
        delivered.stage_alias,
        delivered.stage,
        delivered.lead_id,
        cast(
            delivered.entered_at + to_seconds(coalesce(
                case
                    when delivered.entered_at >= zone_days.changes_at then zone_days.offset_after_s
                    else zone_days.offset_before_s
                end,
                0
            ))
            as date
        ) as entered_date
    from delivered
    left join zone_days on zone_days.utc_date = cast(delivered.entered_at as date)
    where delivered.stage_alias not in (select aliases.alias from aliases)
),

counted as (
    select
        unknown.stage_alias,
        count(*) as entries,
        count(distinct unknown.lead_id) as leads,
        min(unknown.entered_date) as first_date,
        max(unknown.entered_date) as last_date
    from unknown
    group by unknown.stage_alias
),

spellings as (
    select unknown.stage_alias, unknown.stage
    from unknown
    group by unknown.stage_alias, unknown.stage
    qualify row_number() over (partition by unknown.stage_alias order by count(*) desc, unknown.stage) = 1
),

nearest as (
    select
        counted.stage_alias,
        stages.stage,
        aliases.alias,
        jaro_winkler_similarity(counted.stage_alias, aliases.alias) as likeness
    from counted
    cross join aliases
    inner join stages on stages.stage_no = aliases.stage_no
    qualify row_number() over (
        partition by counted.stage_alias order by likeness desc, stages.stage_no, aliases.alias
    ) = 1
)

select
    counted.stage_alias,
    spellings.stage as stage_text,
    counted.entries,
    counted.leads,
    counted.first_date,
    counted.last_date,
    nearest.stage as nearest_stage,
    nearest.alias as nearest_alias,
    nearest.likeness as nearest_likeness
from counted
inner join spellings on spellings.stage_alias = counted.stage_alias
inner join nearest on nearest.stage_alias = counted.stage_alias
order by counted.entries desc, counted.stage_alias
