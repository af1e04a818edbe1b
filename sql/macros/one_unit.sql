-- The unit itself if it is one; else an error that lists them.
-- as: value
-- argument word: what was asked for
-- example: select one_unit('lead')
select one_of(word, ['cycle', 'lead', 'account'], 'unit')
