"""A built database behind a veil: what says who somebody is leaves it as `[privacy]` has it, whoever asks.

By the name of a column, and e-mail addresses in any text: pages, files and mail are made of rows, so they need not know. They must
not ask by what they were shown, though: an owner's leads are asked for by the owner's place in the list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import duckdb

from pipeline.config.configuration import Personal, Treatment
from pipeline.privacy.pseudonyms import Pseudonyms

WITHHELD = "(withheld)"
NOBODY = "(none)"
"""How the models call the owner of leads that have none."""

_LEADS = frozenset({"lead_id", "survivor_id", "original_lead_id", "examples"})
# What no stage is called by may be anything that slipped into the column: a person's name, too.
_OWNERS = frozenset({"owner", "current_owner", "stage_text"})


def veiled(
    connection: duckdb.DuckDBPyConnection, personal: Personal, stored: Personal, hidden: Pseudonyms | None
) -> duckdb.DuckDBPyConnection:
    """A connection whose rows are veiled; itself where everything is kept. What is `stored` as a hash is not hashed again."""
    if hidden is None or personal.is_plain:
        return connection
    return cast("duckdb.DuckDBPyConnection", _Connection(connection, _Veil(personal, stored, hidden)))


class _Veil:
    """Rows of named columns to veiled rows."""

    def __init__(self, personal: Personal, stored: Personal, hidden: Pseudonyms) -> None:
        self._hidden = hidden
        pairs = zip(personal.treatments, stored.treatments, strict=True)
        done: list[Treatment] = ["keep" if (asked, held) == ("hash", "hash") else asked for asked, held in pairs]
        self._leads, self._owners, self._accounts, self._emails = done

    def rows(self, names: Sequence[str], found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """The rows as they may be seen."""
        cut = names.index("dimension") if "dimension" in names else None
        return [
            tuple(
                self._seen(self._of(name, None if cut is None else row[cut]), value)
                for name, value in zip(names, row, strict=True)
            )
            for row in found
        ]

    def _of(self, name: str, dimension: object) -> Treatment:
        if name in _LEADS:
            return self._leads
        if name in _OWNERS or (name == "dimension_value" and dimension == "owner"):
            return self._owners
        return self._accounts if name == "account_name" else "keep"

    def _seen(self, treatment: Treatment, value: Any) -> Any:
        if isinstance(value, list):
            return [self._seen(treatment, each) for each in value]
        if not isinstance(value, str) or value == NOBODY:
            return value
        if treatment == "hash":
            return self._hidden.of(value)
        if treatment == "drop":
            return WITHHELD
        if self._emails == "keep" or "@" not in value:
            return value
        text = self._hidden.within(value)
        return text if self._emails == "hash" or text == value else WITHHELD


class _Result:
    """The answer to a query, veiled as it is fetched."""

    def __init__(self, found: Any, veil: _Veil) -> None:
        self._found = found
        self.description = found.description
        self._names = [column[0] for column in found.description or []]
        self._rows: Callable[[list[tuple[Any, ...]]], list[tuple[Any, ...]]] = lambda held: veil.rows(self._names, held)

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._rows(self._found.fetchall())

    def fetchmany(self, size: int = 1) -> list[tuple[Any, ...]]:
        return self._rows(self._found.fetchmany(size))

    def fetchone(self) -> tuple[Any, ...] | None:
        held = self._found.fetchone()
        return None if held is None else self._rows([held])[0]


class _Connection:
    """As much of a connection as the report uses; anything else is not there, so nothing passes beside the veil."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, veil: _Veil) -> None:
        self._connection = connection
        self._veil = veil

    def execute(self, query: str) -> _Result:
        return _Result(self._connection.execute(query), self._veil)
