"""Columns of a history that are empty in nearly all rows: the export may hide or cut their values."""

from __future__ import annotations

import duckdb

from pipeline.ingest.readers.file_reader import ParsedFile, count_without_stage

MIN_ROWS = 20
"""Fewer rows say nothing."""
MIN_EMPTY_PERCENT = 90


def remarks(connection: duckdb.DuckDBPyConnection, parsed_file: ParsedFile) -> tuple[str, ...]:
    """One text per column: the stage, and the stage before. Needs `landing_rows`, and `landing_cells` where the input reshapes."""
    return (*_stages(connection, parsed_file), *_old_values(connection, parsed_file))


def _stages(connection: duckdb.DuckDBPyConnection, parsed_file: ParsedFile) -> tuple[str, ...]:
    """A row without a stage is rejected, or left out by `where` of the format: then the plan counts it."""
    rows, empty = connection.execute(
        "select count(*), count(*) filter (reason = 'no_stage') from landing_rows"
    ).fetchall()[0]
    plan = parsed_file.header.plan
    # `where` also filters rows of other fields. Only where it filters nearly all rows are the empty ones among them counted.
    if plan is not None and _is_empty(rows + parsed_file.filtered, empty + parsed_file.filtered):
        left_out = count_without_stage(connection, plan)
        rows, empty = rows + left_out, empty + left_out
    return (_hidden(parsed_file, "stage", f"{empty:,} of {rows:,} rows"),) if _is_empty(rows, empty) else ()


def _old_values(connection: duckdb.DuckDBPyConnection, parsed_file: ParsedFile) -> tuple[str, ...]:
    """The first row of a lead may tell its creation, and then has no old value. Each later one has."""
    if "previous" not in parsed_file.header.bound.columns:
        return ()
    rows, given = connection.execute(
        "select count(*), count(previous) from landing_rows where reason is null"
    ).fetchall()[0]
    if not _is_empty(rows, rows - given):
        return ()
    later, given = connection.execute(
        "select count(*), count(previous) from (select previous, row_number() over "
        "(partition by lead_id order by entered_at, row_number) as place from landing_rows where reason is null) "
        "where place > 1"
    ).fetchall()[0]
    if not _is_empty(later, later - given):
        return ()
    where = f"{later - given:,} of {later:,} rows that follow another row of their lead"
    return (_hidden(parsed_file, "previous", where, ", so the stage before a lead's first change stays unknown"),)


def _is_empty(rows: int, empty: int) -> bool:
    return rows >= MIN_ROWS and empty * 100 >= MIN_EMPTY_PERCENT * rows


def _hidden(parsed_file: ParsedFile, ours: str, where: str, so: str = "") -> str:
    name = parsed_file.header.name_of(parsed_file.header.bound.columns[ours])
    return (
        f"column `{name}` is empty in {where}: the export may hide or cut its values (field-level security, an encrypted field, a "
        f"connector that keeps no values){so}; export it with a user who may see the field"
    )
