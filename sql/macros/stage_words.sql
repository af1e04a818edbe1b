-- One row per word that can name a stage or group in a macro argument: keys, labels, names and CRM values.
-- example: from stage_words()
select
    words.word,
    arg_min(words.milestone, words.milestone_no) as stage,
    min(words.milestone_no) as milestone_no
from (
    select aliases.alias as word, milestones.milestone, milestones.milestone_no
    from waterfall.stage_aliases as aliases
    inner join waterfall.milestones as milestones on milestones.milestone_no = aliases.stage_no
    union all
    select unnest([milestones.milestone, lower(trim(milestones.label))]), milestones.milestone, milestones.milestone_no
    from waterfall.milestones as milestones
    where milestones.is_group
) as words
group by words.word
