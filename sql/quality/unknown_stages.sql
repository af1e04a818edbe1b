-- One row per value that no stage, label, name or alias of the waterfall names, with the nearest one that does.
-- key: stage_alias
-- not null: entries, leads
-- column stage_alias: the value, trimmed, lower case, inner white space folded
-- column entries: rejected rows that have it
-- column leads: leads of these rows
-- column nearest_stage: key of the stage with the most alike alias; a guess, never applied
with
delivered as (
    from raw.stage_entries
),

aliases as (
    from waterfall.stage_aliases
),

stages as (
    from waterfall.stages
),

unknown as (
    select delivered.stage_alias, count(*) as entries, count(distinct delivered.lead_id) as leads
    from delivered
    where delivered.stage_alias not in (select aliases.alias from aliases)
    group by delivered.stage_alias
)

select
    unknown.stage_alias,
    unknown.entries,
    unknown.leads,
    arg_max(stages.stage, jaro_winkler_similarity(unknown.stage_alias, aliases.alias) - stages.stage_no / 1000000) as nearest_stage
from unknown
cross join aliases
inner join stages on stages.stage_no = aliases.stage_no
group by unknown.stage_alias, unknown.entries, unknown.leads
order by unknown.entries desc, unknown.stage_alias
