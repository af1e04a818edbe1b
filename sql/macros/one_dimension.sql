-- The dimension itself if the marts are cut by it; else an error that lists those that there are.
-- as: value
-- argument word: what was asked for
-- example: select one_dimension('all')
select one_of(word, (select list(dimensions.dimension order by dimensions.position) from waterfall.dimensions as dimensions), 'dimension')
