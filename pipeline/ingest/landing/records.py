"""Read the rows of several loads as one relation. The files of a load contain only the columns that its rows can fill."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.config.input_tables import Contract
from pipeline.database.connection import glob_escaped, identifier, quoted
from pipeline.ingest.landing.landing_log import REJECTED, ROWS, LandingLog, Load
from pipeline.ingest.rows.typed import SQL_TYPES

Columns = tuple[tuple[str, str], ...]
"""Names and SQL types."""

REJECTED_COLUMNS: Columns = (
    ("input", "varchar"),
    ("load_no", "integer"),
    ("file_name", "varchar"),
    ("row_number", "bigint"),
    ("record_number", "bigint"),
    ("reason", "varchar"),
    ("original", "varchar"),
)


def scan_rows(log: LandingLog, contract: Contract, loads: Sequence[Load]) -> str:
    """Return SQL for the rows of at least one load of a table, columns by name; a column that no file has is null."""
    return _union_by_name(columns_of(contract, loads), [log.file(load, ROWS) for load in loads])


def scan_rejected(log: LandingLog, loads: Sequence[Load]) -> str:
    """Return SQL for the rejected rows of at least one load, columns by name."""
    return _union_by_name(REJECTED_COLUMNS, [log.file(load, REJECTED) for load in loads])


def columns_of(contract: Contract, loads: Sequence[Load]) -> Columns:
    """Return the columns of a raw relation: the standard columns, then all extra columns, sorted by name."""
    first = (("input", "varchar"), ("load_no", "integer"), ("row_number", "bigint"))
    standard = (
        *first,
        *((column.name, SQL_TYPES[column.type]) for column in contract.columns),
        *landing_columns(contract),
    )
    known = {name for name, _ in standard}
    extras = sorted({name for load in loads if load.landed for name in load.extras} - known)
    return (*standard, *((name, "varchar") for name in extras))


def landing_columns(contract: Contract) -> Columns:
    """Return the columns that loading adds after the columns of a table."""
    of_all: Columns = (("recorded_at", "timestamp"), ("record_number", "bigint"))
    of_entries: Columns = (
        ("stage_alias", "varchar"),
        ("previous_alias", "varchar"),
        ("time_note", "varchar"),
        ("original", "varchar"),
    )
    return of_all if contract.key else (*of_all, *of_entries)


def _union_by_name(declared: Columns, files: Sequence[Path]) -> str:
    columns = ", ".join(f"null::{kind} as {identifier(name)}" for name, kind in declared)
    listed = ", ".join(quoted(glob_escaped(file)) for file in files)
    return f"(select {columns} where false union all by name from read_parquet([{listed}], union_by_name = true))"
