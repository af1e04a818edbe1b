"""Access to DuckDB: connections, parallel queries, interrupts, and errors of a full disk."""
