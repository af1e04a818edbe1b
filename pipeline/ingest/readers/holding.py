"""The records of a file in DuckDB: read from CSV as text, typed, and held in a temporary table or a Parquet file."""

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
"""Bytes of a file up to which its rows wait in a temporary table; those of a bigger one wait in a Parquet file."""

MAX_LINE_BYTES = 4_000_000
"""Bytes; twice the longest record that is taken, since quotes double in the repaired copy."""


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
    """Make `landing_rows` of the records of `source`. Returns the relation that has one row a record, and delimiters_inside."""
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
    """Make the view `landing_{what}` of these rows, in the order of the file, numbered from 1 unless they have numbers."""
    if size <= MAX_IN_MEMORY_BYTES:
        connection.execute(f"create or replace temp table held_{what} as {made.sql}")
        source, numbers = f"temp.held_{what}", "" if numbered else f"rowid + 1 as {number}, "
        columns = "*"
    else:
        held = work / f"{what}.parquet"
        connection.execute(f"copy ({made.sql}) to {quoted(str(held))} (format parquet, compression lz4)")
        source = f"read_parquet({quoted(glob_escaped(held))}, file_row_number = {'false' if numbered else 'true'})"
        numbers, columns = (
            ("", "*") if numbered else (f"file_row_number + 1 as {number}, ", "* exclude (file_row_number)")
        )
    nulls = "".join(f", null::{kind} as {name}" for name, kind in made.nulls)
    connection.execute(f"create or replace temp view landing_{what} as select {numbers}{columns}{nulls} from {source}")


def read_copy(copy: Path, columns: Iterable[object], *, parallel: bool) -> str:
    """SQL that reads our own quoted copy of a file; `columns` are numbers, or letters, behind `c`."""
    # Unless told, DuckDB takes the first line end for that of the file: in our own copy it may be a CRLF inside quotes.
    return read_csv(copy, "none", columns, 0, ",", f", new_line = '\\n', parallel = {str(parallel).lower()}")


def read_csv(path: Path, packing: str, columns: Iterable[object], skip: int, delimiter: str, more: str = "") -> str:
    """SQL that reads a file of lines strictly, every value as text."""
    declared = ", ".join(f"'c{column}': 'VARCHAR'" for column in columns)
    return (
        f"read_csv({quoted(glob_escaped(path))}, auto_detect = false, all_varchar = true, header = false, "
        f"skip = {skip}, delim = {quoted(delimiter)}, quote = '\"', escape = '\"', strict_mode = true, "
        f"null_padding = false, ignore_errors = false, compression = '{packing}', max_line_size = {MAX_LINE_BYTES}, "
        f"columns = {{{declared}}}{more})"
    )
