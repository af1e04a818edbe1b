"""Read the records of a file or a query into DuckDB and account for each one; one module per kind of file."""
