"""A built database and the report that is read from it; how rows and queries are made fit to be read."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import duckdb

from pipeline.report import rows
from pipeline.report.format import isolated

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
