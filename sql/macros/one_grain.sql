-- The grain itself if it is known; else an error that lists the known grains.
-- as: value
-- argument word: the word to check
-- example: select one_grain('month')
select one_of(word, ['day', 'week', 'month', 'quarter', 'year', 'all'], 'grain')
