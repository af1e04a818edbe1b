-- The dimensions that an argument names: one as a text, or several as a list.
-- as: value
-- argument words: 'lead_source', or ['lead_source', 'segment']
-- example: select dimension_list(['lead_source', 'segment'])
select string_split(coalesce(trim(cast(words as varchar), '[]'), ''), ', ')
