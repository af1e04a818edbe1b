"""Store the records of a file: read CSV as text, type the values, keep them in a temporary table or a Parquet file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb

from pipeline.config.configuration import Input
from pipeline.database.connection import glob_escaped, quoted
from pipeline.ingest.adapters.reshaping import CELLS
from pipeline.ingest.files.scan import FileScan
from pipeline.ingest.readers.headers import Header
from pipeline.ingest.rows import typed
from pipeline.ingest.rows.typed import TypedSelect

MAX_IN_MEMORY_BYTES = 256_000_000
"""The rows of a larger file are stored in a Parquet file instead of a temporary table."""

MAX_LINE_BYTES = 4_000_000
"""More than twice the longest record, because quotes are doubled in our copy."""


def store_rows(
    connection: duckdb.DuckDBPyConnection,
    header: Header,
    source: str,
    input_: Input,
    file_scan: FileScan,
    work: Path,
    *,
    numbered: bool,
    iso_times: bool = False,
    counted: tuple[int, str] | None = None,
) -> str:
    """Create `landing_rows` from the records of `source`.

    Returns the relation with one row per record, and with delimiters_inside if `counted` is set.
    """
    plan, size = header.plan, file_scan.content_size
    if plan is None:
        found_rows = typed.typed_select(
            input_, header.bound, source, numbered=numbered, iso_times=iso_times, counted=counted
        )
        store(connection, "rows", found_rows, size, work, numbered=numbered)
        return "landing_rows"
    number = "row_number as record_number, " if numbered else ""
    inside = f", {typed.delimiters_inside(*counted)} as delimiters_inside" if counted else ""
    cells = ", ".join(f"c{position}" for position in plan.needed)
    sql = f"select {number}{cells}{inside} from {source}"
    store(connection, "cells", TypedSelect(sql, ()), size, work, numbered=numbered, number="record_number")
    made = typed.typed_select(input_, header.bound, plan.rows, numbered=False, is_reshaped=True, iso_times=iso_times)
    store(connection, "rows", made, size, work, numbered=False)
    return CELLS


def store(
    connection: duckdb.DuckDBPyConnection,
    what: str,
    made: TypedSelect,
    size: int,
    work: Path,
    *,
    numbered: bool,
    number: str = "row_number",
) -> None:
    """Create the view `landing_{what}` in the order of the file, with row numbers from 1 unless the rows are `numbered`."""
    if size <= MAX_IN_MEMORY_BYTES:
        connection.execute(f"create or replace temp table stored_{what} as {made.sql}")
        source, numbers = f"temp.stored_{what}", "" if numbered else f"rowid + 1 as {number}, "
        columns = "*"
    else:
        stored = work / f"{what}.parquet"
        connection.execute(f"copy ({made.sql}) to {quoted(str(stored))} (format parquet, compression lz4)")
        source = f"read_parquet({quoted(glob_escaped(stored))}, file_row_number = {'false' if numbered else 'true'})"
        numbers, columns = (
            ("", "*") if numbered else (f"file_row_number + 1 as {number}, ", "* exclude (file_row_number)")
        )
    nulls = "".join(f", null::{kind} as {name}" for name, kind in made.nulls)
    connection.execute(f"create or replace temp view landing_{what} as select {numbers}{columns}{nulls} from {source}")


def read_copy(copy: Path, columns: Iterable[object], *, parallel: bool) -> str:
    """Return SQL that reads our quoted copy of a file; each of `columns` is a name without its prefix `c`."""
    # DuckDB detects the line end from the first one, which can be a CRLF inside quotes.
    return read_csv(copy, "none", columns, 0, ",", f", new_line = '\\n', parallel = {str(parallel).lower()}")


def read_csv(path: Path, packing: str, columns: Iterable[object], skip: int, delimiter: str, more: str = "") -> str:
    """Return SQL that reads a CSV file in strict mode, every value as text."""
    declared = ", ".join(f"'c{column}': 'VARCHAR'" for column in columns)
    return (
        f"read_csv({quoted(glob_escaped(path))}, auto_detect = false, all_varchar = true, header = false, "
        f"skip = {skip}, delim = {quoted(delimiter)}, quote = '\"', escape = '\"', strict_mode = true, "
        f"null_padding = false, ignore_errors = false, compression = '{packing}', max_line_size = {MAX_LINE_BYTES}, "
        f"columns = {{{declared}}}{more})"
    )
