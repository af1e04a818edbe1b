"""Detect columns of a history that are empty in nearly all rows, because the export may hide or drop their values."""

from __future__ import annotations

import duckdb

from pipeline.ingest.readers.file_reader import ParsedFile, count_without_stage

MIN_ROWS = 20
"""Fewer rows are not enough evidence."""
MIN_EMPTY_PERCENT = 90


def remarks(connection: duckdb.DuckDBPyConnection, parsed_file: ParsedFile) -> tuple[str, ...]:
    """Return one text per empty column of stage and previous stage.

    Needs `landing_rows`, and `landing_cells` if the input reshapes.
    """
    return (*_stages(connection, parsed_file), *_old_values(connection, parsed_file))


def _stages(connection: duckdb.DuckDBPyConnection, parsed_file: ParsedFile) -> tuple[str, ...]:
    """Check the stage. A row without a stage is rejected, or `where` of the format removes it; then the plan counts it."""
    rows, empty = connection.execute(
        "select count(*), count(*) filter (reason = 'no_stage') from landing_rows"
    ).fetchall()[0]
    plan = parsed_file.header.plan
    # `where` also removes rows of other fields, so its empty stages are counted only if it removes nearly all rows.
    if plan is not None and _is_empty(rows + parsed_file.filtered, empty + parsed_file.filtered):
        removed = count_without_stage(connection, plan)
        rows, empty = rows + removed, empty + removed
    return (
        (_empty_column_remark(parsed_file, "stage", f"{empty:,} of {rows:,} rows"),) if _is_empty(rows, empty) else ()
    )


def _old_values(connection: duckdb.DuckDBPyConnection, parsed_file: ParsedFile) -> tuple[str, ...]:
    """Check the previous stage. The first row of a lead can be its creation, which has none; each later row has one."""
    if "previous" not in parsed_file.header.bound.columns:
        return ()
    rows, filled = connection.execute(
        "select count(*), count(previous) from landing_rows where reason is null"
    ).fetchall()[0]
    if not _is_empty(rows, rows - filled):
        return ()
    later, filled = connection.execute(
        "select count(*), count(previous) from (select previous, row_number() over "
        "(partition by lead_id order by entered_at, row_number) as row_of_lead from landing_rows where reason is null) "
        "where row_of_lead > 1"
    ).fetchall()[0]
    if not _is_empty(later, later - filled):
        return ()
    where = f"{later - filled:,} of {later:,} rows that follow another row of their lead"
    return (
        _empty_column_remark(
            parsed_file, "previous", where, ", so the stage before a lead's first change stays unknown"
        ),
    )


def _is_empty(rows: int, empty: int) -> bool:
    return rows >= MIN_ROWS and empty * 100 >= MIN_EMPTY_PERCENT * rows


def _empty_column_remark(parsed_file: ParsedFile, column: str, where: str, effect: str = "") -> str:
    name = parsed_file.header.name_of(parsed_file.header.bound.columns[column])
    return (
        f"column `{name}` is empty in {where}: the export may hide or cut its values (field-level security, an encrypted field, a "
        f"connector that keeps no values){effect}; export it with a user who may see the field"
    )
