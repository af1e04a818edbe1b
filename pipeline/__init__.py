"""Lead stage history to a published DuckDB file and a report that says how it counted."""
