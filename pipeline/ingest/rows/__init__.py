"""Type the rows: columns, ids, times and stage names."""
