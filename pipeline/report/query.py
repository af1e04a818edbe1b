"""Queries to the tables of a report: rows as values, together with the query that returned them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

import duckdb

from pipeline.report import rows
from pipeline.report.text import isolated

Row = TypeVar("Row")
LABELS = ("label", "definition")


@dataclass(frozen=True)
class Asked:
    """A built database, and the report whose tables are meant by report.*: those of a variant have a schema of their own."""

    connection: duckdb.DuckDBPyConnection
    report: rows.Report

    def named(self, table: str) -> str:
        """The table of this report that `report.x` means; other tables are everybody's."""
        schema, name = table.split(".")
        return f"{self.report.schema}.{name}" if schema == "report" else table

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query as it stands."""
        return self.connection.execute(sql).fetchall()


def read_reports(connection: duckdb.DuckDBPyConnection) -> tuple[rows.Report, ...]:
    """The reports of a built database, that of all leads first."""
    columns = [field.name for field in fields(rows.Report)]
    found = connection.execute(f"select {', '.join(columns)} from waterfall.reports order by report_no").fetchall()
    return tuple(rows.Report(**readable(columns, values)) for values in found)


def readable(columns: list[str], values: tuple[Any, ...]) -> dict[str, Any]:
    """Column → value; labels, which end up in sentences, isolated from the text around them."""
    return {
        column: isolated(value) if isinstance(value, str) and column.endswith(LABELS) else value
        for column, value in zip(columns, values, strict=True)
    }


def wrapped(columns: list[str]) -> list[str]:
    """The columns on lines of at most 90 characters."""
    lines = [""]
    for position, column in enumerate(columns):
        word = column + ("," if position < len(columns) - 1 else "")
        if lines[-1] and len(lines[-1]) + len(word) > 84:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return [f"    {line}" for line in lines]


@dataclass(frozen=True)
class Answer(Generic[Row]):
    """Rows, the query that gave them, the table they come from, and the column by which a reader can tell it worked."""

    rows: tuple[Row, ...]
    sql: str
    table: str
    proof: str

    @property
    def proof_value(self) -> int | None:
        """The value of the column `proof` in the first row; None without rows."""
        return getattr(self.rows[0], self.proof) if self.rows else None


def ask(
    connection: Asked,
    row_class: type[Row],
    table: str,
    proof: str,
    *,
    where: str = "",
    order: str = "",
    shown: int | None = None,
) -> Answer[Row]:
    """The rows of a report table as values. With `shown`, only so many are kept, though the query gives all."""
    columns = [field.name for field in fields(row_class)]  # type: ignore[arg-type]
    table = connection.named(table)
    lines = ["select", *wrapped(columns), f"from {table}"]
    if where:
        lines.append(f"where {where}")
    if order:
        lines.append(f"order by {order}")
    sql = "\n".join(lines)
    found: list[tuple[Any, ...]] = (
        connection.connection.execute(sql).fetchmany(shown) if shown else connection.fetch(sql)
    )
    return Answer(
        rows=tuple(row_class(**readable(columns, values)) for values in found),
        sql=sql,
        table=table,
        proof=proof,
    )
