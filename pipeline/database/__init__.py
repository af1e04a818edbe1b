"""How the program reaches DuckDB: connections, parallel queries, interrupts, and what a full disk says."""
