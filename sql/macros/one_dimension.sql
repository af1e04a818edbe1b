-- The dimension itself if the marts have it; else an error that lists the known dimensions.
-- as: value
-- argument word: the word to check
-- example: select one_dimension('all')
select one_of(word, (select list(dimensions.dimension order by dimensions.position) from waterfall.dimensions as dimensions), 'dimension')
