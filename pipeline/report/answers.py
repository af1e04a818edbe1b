"""A question to a report table: its rows as values, together with the query that gave them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

import duckdb

from pipeline.report.format import isolated

Row = TypeVar("Row")

LABELS = ("label", "definition")


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
    connection: duckdb.DuckDBPyConnection,
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
    lines = ["select", *_wrapped(columns), f"from {table}"]
    if where:
        lines.append(f"where {where}")
    if order:
        lines.append(f"order by {order}")
    sql = "\n".join(lines)
    found: list[tuple[Any, ...]] = (
        connection.execute(sql).fetchmany(shown) if shown else connection.execute(sql).fetchall()
    )
    return Answer(
        rows=tuple(row_class(**_readable(columns, values)) for values in found),
        sql=sql,
        table=table,
        proof=proof,
    )


def _readable(columns: list[str], values: tuple[Any, ...]) -> dict[str, Any]:
    """Column → value; labels, which end up in sentences, isolated from the text around them."""
    return {
        column: isolated(value) if isinstance(value, str) and column.endswith(LABELS) else value
        for column, value in zip(columns, values, strict=True)
    }


def _wrapped(columns: list[str]) -> list[str]:
    """The columns on lines of at most 90 characters."""
    lines = [""]
    for position, column in enumerate(columns):
        word = column + ("," if position < len(columns) - 1 else "")
        if lines[-1] and len(lines[-1]) + len(word) > 84:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return [f"    {line}" for line in lines]
