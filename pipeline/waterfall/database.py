"""A database as the source of an input: which query is read, and from where on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

Source = Literal["postgres"]

QUERY_TIMEOUT = timedelta(minutes=30)


@dataclass(frozen=True)
class Database:
    """What is asked of a database. The connection string is in the environment variable `variable`, and only there."""

    source: Source
    variable: str
    query: str
    """One SELECT, without a semicolon at its end."""
    cursor: str | None = None
    """The column whose highest value says from where on the next run reads; None: each run reads everything."""
    look_back: timedelta = timedelta(0)
    """How far behind that value the next run begins; only with a cursor of times."""
    timeout: timedelta = QUERY_TIMEOUT
    """How long one statement may take."""

    @property
    def reading(self) -> dict[str, Any]:
        """What makes the rows other rows when it changes; the address of the server does not."""
        return {"source": self.source, "query": self.query, "cursor": self.cursor}
