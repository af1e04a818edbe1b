-- The unit itself if it is known; else an error that lists the known units.
-- as: value
-- argument word: the word to check
-- example: select one_unit('lead')
select one_of(word, ['cycle', 'lead', 'account'], 'unit')
