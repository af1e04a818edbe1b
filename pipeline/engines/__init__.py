"""How work reaches DuckDB and the operating system: connections, the lock of an output folder, signals."""
