-- The key of the stage or group that a word names; an unknown word is an error that lists the known ones.
-- as: value
-- argument name: a key, label, name or CRM value; case and spaces around do not matter
-- example: select stage_key('SAL')
select coalesce(
    (
        select min(words.stage)
        from stage_words() as words
        where words.word = lower(trim(regexp_replace(name, '\s+', ' ', 'g')))
    ),
    error('unknown stage; known: ' || (select string_agg(milestones.milestone, ', ' order by milestones.milestone_no) from waterfall.milestones as milestones))
)
