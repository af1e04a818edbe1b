"""The report.* tables of a built database as they leave it: columns with their meaning, rows in the order of the model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.database.connection import identifier, quoted

if TYPE_CHECKING:
    import duckdb

ROWS_PER_FETCH = 10_000
"""Rows held in memory: a list of leads may be as long as the funnel is full."""


@dataclass(frozen=True)
class ReportColumn:
    """A column: its name, its type in DuckDB's words, what it means."""

    name: str
    kind: str
    comment: str


@dataclass(frozen=True)
class ReportTable:
    """A table of a report's schema, without its rows."""

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
        """The first sentence of the comment: what a row is."""
        return self.comment.partition(". ")[0].rstrip(".:")


def report_tables(connection: duckdb.DuckDBPyConnection, schema: str = "report") -> tuple[ReportTable, ...]:
    """Every table of a report's schema, by name."""
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


def read_rows(connection: duckdb.DuckDBPyConnection, table: ReportTable) -> Iterator[tuple[Any, ...]]:
    """The rows, as the last line of the model orders them: they were written in that order, which rowid numbers."""
    order = "all" if table.is_view else "rowid"
    fetched = connection.execute(f"select * from {table.schema}.{identifier(table.name)} order by {order}")
    while batch := fetched.fetchmany(ROWS_PER_FETCH):
        yield from batch


def _count(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> int:
    return int(connection.execute(f"select count(*) from {schema}.{identifier(name)}").fetchall()[0][0])
