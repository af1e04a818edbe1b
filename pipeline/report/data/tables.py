"""The report.* tables of a database: columns, comments and rows in the order of the model.

Each table has rows for every report. A file has those of one report, without the column `report`, or those of all reports.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.database.connection import identifier, quoted
from pipeline.privacy.masking import QueryConnection
from pipeline.report.query import ReportFilter, read_reports

SCHEMA = "report"
REPORT_COLUMN = "report"
"""The first column of each table: the key of the report."""
ROWS_PER_FETCH = 10_000
"""Limits the rows in memory, because a list of leads can be long."""


@dataclass(frozen=True)
class ReportColumn:
    """A column: name, DuckDB type and meaning."""

    name: str
    kind: str
    comment: str


@dataclass(frozen=True)
class ReportTable:
    """A table or view of schema `report`, without its rows."""

    name: str
    comment: str
    columns: tuple[ReportColumn, ...]
    rows: int
    is_view: bool = False
    report: ReportFilter | None = None
    """The report whose rows these are; None for the rows of all reports."""

    @property
    def full_name(self) -> str:
        """`schema.name`."""
        return f"{SCHEMA}.{self.name}"

    @property
    def row_is(self) -> str:
        """First sentence of the comment, which says what one row is."""
        return self.comment.partition(". ")[0].rstrip(".:")


def report_tables(connection: QueryConnection, report: ReportFilter | None) -> tuple[ReportTable, ...]:
    """Return every table and view of schema `report` with the rows of one report; with None, of all reports."""
    fetched = connection.execute(
        f"""
        select table_name as name, comment, false as is_view from duckdb_tables()
        where schema_name = {quoted(SCHEMA)} and database_name = current_database()
        union all
        select view_name, comment, true from duckdb_views()
        where schema_name = {quoted(SCHEMA)} and database_name = current_database()
        order by name
        """
    ).fetchall()
    columns: dict[str, list[ReportColumn]] = {name: [] for name, _, _ in fetched}
    for table, name, kind, comment in connection.execute(
        f"""
        select table_name, column_name, data_type, comment from duckdb_columns()
        where schema_name = {quoted(SCHEMA)} and database_name = current_database()
        order by table_name, column_index
        """
    ).fetchall():
        if report is None or name != REPORT_COLUMN:
            columns[table].append(ReportColumn(name, kind, comment or ""))
    return tuple(
        ReportTable(
            name,
            _of_one_report(comment or "") if report else comment or "",
            tuple(columns[name]),
            _count(connection, name, report),
            is_view,
            report,
        )
        for name, comment, is_view in fetched
    )


def read_rows(connection: QueryConnection, table: ReportTable) -> Iterator[tuple[Any, ...]]:
    """Yield the rows in the order of the model. A table stores them in that order, so rowid sorts them.

    The rows of all reports come report by report, in the order of waterfall.reports.
    """
    columns = f"* exclude ({REPORT_COLUMN})" if table.report else "*"
    order = "all" if table.is_view else "rowid"
    for report in (table.report,) if table.report else read_reports(connection):
        fetched = connection.execute(
            f"select {columns} from {SCHEMA}.{identifier(table.name)} where {report.condition} order by {order}"
        )
        while batch := fetched.fetchmany(ROWS_PER_FETCH):
            yield from batch


def _of_one_report(comment: str) -> str:
    """Return the comment of a table for the rows of one report: `One row per report, stage …` is one row per stage."""
    return re.sub(
        "^One row per report(?=:)", "One row", re.sub("^One row per report(,| and) ", "One row per ", comment)
    )


def _count(connection: QueryConnection, name: str, report: ReportFilter | None) -> int:
    condition = f" where {report.condition}" if report else ""
    return int(connection.execute(f"select count(*) from {SCHEMA}.{identifier(name)}{condition}").fetchall()[0][0])
