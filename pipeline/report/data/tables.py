"""The report.* tables of a database: columns, comments and rows in the order of the model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.database.connection import identifier, quoted
from pipeline.privacy.masking import QueryConnection

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
    """A table or view of a report schema, without its rows."""

    schema: str
    name: str
    comment: str
    columns: tuple[ReportColumn, ...]
    rows: int
    is_view: bool = False

    @property
    def full_name(self) -> str:
        """`schema.name`."""
        return f"{self.schema}.{self.name}"

    @property
    def row_is(self) -> str:
        """First sentence of the comment, which says what one row is."""
        return self.comment.partition(". ")[0].rstrip(".:")


def report_tables(connection: QueryConnection, schema: str = "report") -> tuple[ReportTable, ...]:
    """Return every table and view of a report schema, by name."""
    fetched = connection.execute(
        f"""
        select table_name as name, comment, false as is_view from duckdb_tables()
        where schema_name = {quoted(schema)} and database_name = current_database()
        union all
        select view_name, comment, true from duckdb_views()
        where schema_name = {quoted(schema)} and database_name = current_database()
        order by name
        """
    ).fetchall()
    columns: dict[str, list[ReportColumn]] = {name: [] for name, _, _ in fetched}
    for table, name, kind, comment in connection.execute(
        f"""
        select table_name, column_name, data_type, comment from duckdb_columns()
        where schema_name = {quoted(schema)} and database_name = current_database()
        order by table_name, column_index
        """
    ).fetchall():
        columns[table].append(ReportColumn(name, kind, comment or ""))
    return tuple(
        ReportTable(schema, name, comment or "", tuple(columns[name]), _count(connection, schema, name), is_view)
        for name, comment, is_view in fetched
    )


def read_rows(connection: QueryConnection, table: ReportTable) -> Iterator[tuple[Any, ...]]:
    """Yield the rows in the order of the model. A table stores them in that order, so rowid sorts them."""
    order = "all" if table.is_view else "rowid"
    fetched = connection.execute(f"select * from {table.schema}.{identifier(table.name)} order by {order}")
    while batch := fetched.fetchmany(ROWS_PER_FETCH):
        yield from batch


def _count(connection: QueryConnection, schema: str, name: str) -> int:
    return int(connection.execute(f"select count(*) from {schema}.{identifier(name)}").fetchall()[0][0])
