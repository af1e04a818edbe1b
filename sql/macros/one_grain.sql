-- The grain itself if it is one; else an error that lists them.
-- as: value
-- argument word: what was asked for
-- example: select one_grain('month')
select one_of(word, ['day', 'week', 'month', 'quarter', 'year', 'all'], 'grain')
