"""Opens DuckDB: time zone UTC, no downloads, nothing on stdout, and locked settings for a published file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from pipeline.errors import ModelError
from pipeline.settings import MORE_MEMORY, Settings

STORAGE_VERSION = "v1.5.0"


def connect(
    database: Path | None,
    settings: Settings,
    *,
    spill: Path | None = None,
    reads_files: bool = False,
) -> duckdb.DuckDBPyConnection:
    """Open a database for building: in memory (None), or a file of storage version STORAGE_VERSION.

    `spill` is the folder for data that does not fit into memory. `reads_files` leaves external access on, to read inputs
    and the landing log.

    A file is written without a write-ahead log, because every statement would wait for the disk. Nobody reads the file
    before its last checkpoint, and the next run deletes the file of a killed run.
    """
    connection = duckdb.connect(":memory:")
    _disable_external_access(connection)
    connection.execute(f"set memory_limit = '{settings.memory_limit}'")
    connection.execute(f"set threads = {settings.threads}")
    connection.execute("set preserve_insertion_order = true")
    if spill is not None:
        connection.execute(f"set temp_directory = {quoted(str(spill))}")
    if database is not None:
        options = f"storage_version '{STORAGE_VERSION}', recovery_mode no_wal_writes"
        connection.execute(f"attach {quoted(str(database))} as funnel ({options})")
        connection.execute("use funnel")
    if not reads_files:
        connection.execute("set enable_external_access = false")
    return connection


def connect_published(database: Path, settings: Settings | None = None) -> duckdb.DuckDBPyConnection:
    """Open a published file read-only, without access to other files or the network."""
    config: dict[str, str | bool | int | float | list[str]] = {}
    if settings is not None:
        config = {"memory_limit": settings.memory_limit, "threads": settings.threads}
    connection = duckdb.connect(str(database), read_only=True, config=config)
    _disable_external_access(connection)
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


def new_cursor(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Return a second connection to the same database. It sees the committed changes of the first."""
    row = connection.execute("select current_database()").fetchone()
    cursor = connection.cursor()
    cursor.execute(f"use {identifier(row[0] if row else 'memory')}")
    return cursor


def _disable_external_access(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("set autoinstall_known_extensions = false")
    connection.execute("set autoload_known_extensions = false")
    connection.execute("set enable_progress_bar = false")  # it prints to stdout
    connection.execute("set global TimeZone = 'UTC'")  # global: also for its cursors


@contextmanager
def within_memory() -> Iterator[None]:
    """Turn an out-of-memory error outside the models into a ModelError that names the setting."""
    try:
        yield
    except duckdb.OutOfMemoryException as full:
        raise ModelError("the run does not fit into the memory limit", where="memory", next_step=MORE_MEMORY) from full


def quoted(text: str) -> str:
    """Return a SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def create_table(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Sequence[tuple[str, str]],
    rows: Iterable[Sequence[Any]],
) -> int:
    """Create `table` (schema.name) with `columns` (name, SQL type), and insert `rows`. Returns their number."""
    schema = table.split(".")[0] if "." in table else None
    if schema:
        connection.execute(f"create schema if not exists {schema}")
    declared = ", ".join(f"{name} {kind}" for name, kind in columns)
    connection.execute(f"create or replace table {table} ({declared})")
    values = [f"({', '.join(literal(value) for value in row)})" for row in rows]
    if values:
        # No bound parameters: the first one makes DuckDB import pandas, which costs a second.
        connection.execute(f"insert into {table} values {', '.join(values)}")
    return len(values)


def literal(value: Any) -> str:
    """Return the SQL literal of None, a bool, a number, a text, a naive date or time, or a tuple of these."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(literal, value))}]"
    return quoted(str(value))


def glob_escaped(path: Path) -> str:
    """Escape `*`, `?` and `[` in a path, so that DuckDB reads it as one file and not as a pattern."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in str(path))
