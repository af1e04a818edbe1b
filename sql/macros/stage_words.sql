-- One row per word that can name a stage or group in a macro argument: keys, labels, names and CRM values.
-- example: from stage_words()
select
    words.word,
    arg_min(words.mark, words.mark_no) as stage,
    min(words.mark_no) as mark_no
from (
    select aliases.alias as word, marks.mark, marks.mark_no
    from waterfall.stage_aliases as aliases
    inner join waterfall.marks as marks on marks.mark_no = aliases.stage_no
    union all
    select unnest([marks.mark, lower(trim(marks.label))]), marks.mark, marks.mark_no
    from waterfall.marks as marks
    where marks.is_group
) as words
group by words.word
