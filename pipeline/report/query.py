"""Queries on the tables of a report: the rows as values, together with their query."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

from pipeline.privacy.masking import QueryConnection
from pipeline.report import rows
from pipeline.report.text import isolated

Row = TypeVar("Row")
LABEL_SUFFIXES = ("label", "definition")


@dataclass(frozen=True)
class QueryResult(Generic[Row]):
    """Rows, their query and table, and the column that lets a reader check the query."""

    rows: tuple[Row, ...]
    sql: str
    table: str
    control: str

    @property
    def control_value(self) -> int | None:
        """The value of the control column in the first row; None without rows."""
        return getattr(self.rows[0], self.control) if self.rows else None


@dataclass(frozen=True)
class ReportConnection:
    """A database and one of its reports."""

    connection: QueryConnection
    report: rows.Report

    def select(
        self,
        row_class: type[Row],
        table: str,
        control: str,
        *,
        where: str = "",
        order: str = "",
        max_rows: int | None = None,
    ) -> QueryResult[Row]:
        """Return the rows of a table as `row_class`, whose fields name the columns.

        Of a table of schema `report`, only the rows of this report; so `where` has no `or` outside parentheses. `max_rows`
        limits the rows returned, not the query that the page prints.
        """
        columns = [field.name for field in fields(row_class)]  # type: ignore[arg-type]
        lines = ["select", *wrap_columns(columns), f"from {table}"]
        conditions = [self.report.condition] if table.startswith("report.") else []
        conditions += [where] if where else []
        if conditions:
            lines.append("where " + "\n    and ".join(conditions))
        if order:
            lines.append(f"order by {order}")
        sql = "\n".join(lines)
        fetched: list[tuple[Any, ...]] = (
            self.connection.execute(sql).fetchmany(max_rows) if max_rows else self.fetch(sql)
        )
        return QueryResult(
            rows=tuple(row_class(**with_isolated_labels(columns, values)) for values in fetched),
            sql=sql,
            table=table,
            control=control,
        )

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of any query."""
        return self.connection.execute(sql).fetchall()


def read_reports(connection: QueryConnection) -> tuple[rows.Report, ...]:
    """Return the reports of a database, starting with the report of all leads."""
    columns = [field.name for field in fields(rows.Report)]
    fetched = connection.execute(f"select {', '.join(columns)} from waterfall.reports order by report_no").fetchall()
    return tuple(rows.Report(**with_isolated_labels(columns, values)) for values in fetched)


def with_isolated_labels(columns: list[str], values: tuple[Any, ...]) -> dict[str, Any]:
    """Return column → value. Labels and definitions are isolated, because sentences quote them."""
    return {
        column: isolated(value) if isinstance(value, str) and column.endswith(LABEL_SUFFIXES) else value
        for column, value in zip(columns, values, strict=True)
    }


def wrap_columns(columns: list[str]) -> list[str]:
    """Return the columns on indented lines of at most 90 characters."""
    lines = [""]
    for position, column in enumerate(columns):
        word = column + ("," if position < len(columns) - 1 else "")
        if lines[-1] and len(lines[-1]) + len(word) > 84:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return [f"    {line}" for line in lines]
