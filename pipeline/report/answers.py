"""A question to a report table: its rows as values, together with the query that gave them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

from pipeline.report.asked import Asked, readable, wrapped

Row = TypeVar("Row")


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
