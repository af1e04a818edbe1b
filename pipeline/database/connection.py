"""One way to open DuckDB: zone UTC, no downloads, no surprises on stdout, and settings locked before anybody's SQL runs."""

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
    """Open a database for building: in memory (None) or a file of our storage version.

    `spill` is the folder for what does not fit into memory; `reads_files` leaves external access on, for reading inputs
    and the landing log. Everything else about the outside world is off.

    A file is written without a log of what is about to change: nobody reads it before its last checkpoint, and what a
    killed run leaves is swept. With that log every statement would wait for the disk.
    """
    connection = duckdb.connect(":memory:")
    _close_the_doors(connection)
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
    """Open a published file read-only: nothing can be written, fetched or read beside it."""
    config: dict[str, str | bool | int | float | list[str]] = {}
    if settings is not None:
        config = {"memory_limit": settings.memory_limit, "threads": settings.threads}
    connection = duckdb.connect(str(database), read_only=True, config=config)
    _close_the_doors(connection)
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


def alike(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A second connection to the database of an open one, which sees what that one has committed."""
    row = connection.execute("select current_database()").fetchone()
    cursor = connection.cursor()
    cursor.execute(f"use {identifier(row[0] if row else 'memory')}")
    return cursor


def _close_the_doors(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("set autoinstall_known_extensions = false")
    connection.execute("set autoload_known_extensions = false")
    connection.execute("set enable_progress_bar = false")  # it prints to stdout
    connection.execute("set global TimeZone = 'UTC'")  # global: for its cursors too


@contextmanager
def within_memory() -> Iterator[None]:
    """A limit that is too small for a step outside the models is the user's to raise, too."""
    try:
        yield
    except duckdb.OutOfMemoryException as full:
        raise ModelError("the run does not fit into the memory limit", where="memory", next_step=MORE_MEMORY) from full


def quoted(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A SQL identifier, quoted."""
    return '"' + name.replace('"', '""') + '"'


def create_table(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Sequence[tuple[str, str]],
    rows: Iterable[Sequence[Any]],
) -> int:
    """Create `table` (schema.name) with `columns` (name, SQL type) and insert `rows`. Returns how many."""
    schema = table.split(".")[0] if "." in table else None
    if schema:
        connection.execute(f"create schema if not exists {schema}")
    declared = ", ".join(f"{name} {kind}" for name, kind in columns)
    connection.execute(f"create or replace table {table} ({declared})")
    held = [f"({', '.join(literal(value) for value in row)})" for row in rows]
    if held:
        # As text: the first bound parameter of a process makes DuckDB import pandas, which takes a second.
        connection.execute(f"insert into {table} values {', '.join(held)}")
    return len(held)


def literal(value: Any) -> str:
    """A SQL literal of None, a bool, a number, a text, a naive date or time, or a tuple of these."""
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
    """A path that names one file to DuckDB, which takes `*`, `?` and `[` in a name for a pattern."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in str(path))
