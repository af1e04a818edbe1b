"""Files become rows of the landing log: bound by name, typed, accounted for to the last line."""
