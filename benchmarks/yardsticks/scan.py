"""The bare scan: every column of the log's stage rows read and hashed. A maximum would be answered from statistics."""

from __future__ import annotations

from pathlib import Path

import duckdb

from benchmarks.yardsticks.facts import Facts


def ready(facts: Facts, scratch: Path, memory: str, threads: int) -> duckdb.DuckDBPyConnection:
    """A connection as ours has it."""
    connection = duckdb.connect()
    connection.execute(f"set memory_limit = '{memory}'")
    connection.execute(f"set threads = {threads}")
    return connection


def run(facts: Facts, answers: Path, connection: duckdb.DuckDBPyConnection) -> int:
    """Returns how many rows were read."""
    # Names as text: the first bound parameter of a process makes DuckDB import pandas.
    files = ", ".join(f"'{file}'" for file in facts.stage_entries)
    row = connection.execute(
        f"select count(*), bit_xor(hash(columns(*))) from read_parquet([{files}], union_by_name = true)"
    ).fetchone()
    return int(row[0]) if row else 0


def stop(connection: duckdb.DuckDBPyConnection) -> None:
    """Let the memory go."""
    connection.close()
