-- The word itself if it is one of the known ones; else an error that lists them.
-- as: value
-- argument word: what was asked for
-- argument known: the words there are
-- argument what: what they are, for the error
-- example: select one_of('lead', ['cycle', 'lead', 'account'], 'unit')
select case
    when list_contains(known, word) then word
    else error('unknown ' || what || '; known: ' || array_to_string(known, ', '))
end
