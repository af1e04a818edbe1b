-- The word itself if it is one of the known words; else an error that lists them.
-- as: value
-- argument word: the word to check
-- argument known: the known words
-- argument what: name of such a word, for the error
-- example: select one_of('lead', ['cycle', 'lead', 'account'], 'unit')
select case
    when list_contains(known, word) then word
    else error('unknown ' || what || '; known: ' || array_to_string(known, ', '))
end
