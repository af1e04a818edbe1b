"""A bare scan: read and hash every column of the stage rows. DuckDB would answer a maximum from statistics."""

from __future__ import annotations

from pathlib import Path

import duckdb

from benchmarks.yardsticks.facts import Facts


def ready(facts: Facts, scratch: Path, memory: str, threads: int) -> duckdb.DuckDBPyConnection:
    """Return a connection with the settings of the product."""
    connection = duckdb.connect()
    connection.execute(f"set memory_limit = '{memory}'")
    connection.execute(f"set threads = {threads}")
    return connection


def run(facts: Facts, answers: Path, connection: duckdb.DuckDBPyConnection) -> int:
    """Return the number of rows read."""
    # File names are part of the SQL text, because bound parameters make DuckDB import pandas.
    files = ", ".join(f"'{file}'" for file in facts.stage_entries)
    row = connection.execute(
        f"select count(*), bit_xor(hash(columns(*))) from read_parquet([{files}], union_by_name = true)"
    ).fetchone()
    return int(row[0]) if row else 0


def stop(connection: duckdb.DuckDBPyConnection) -> None:
    """Release the memory."""
    connection.close()
