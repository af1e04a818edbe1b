"""Records of a file or a query into DuckDB, each accounted for: one module per kind of file."""
