"""Personal data as `[privacy]` wants it: in the columns that the models read, and in the rows that the report reads.

The landing log keeps the rows as delivered. Rules of scope, origin and persona, and the matching of domains, read them
there and return numbers of leads, so no figure changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pipeline.config.configuration import Personal, Treatment
from pipeline.database.connection import identifier, quoted
from pipeline.privacy.pseudonyms import ADDRESS, MACRO, Pseudonyms

WITHHELD_ROW = "(as delivered: in the landing log only)"
"""Replaces the text of a whole row."""
WITHHELD = "(withheld)"
"""Replaces a value that is dropped."""
NOBODY = "(none)"
"""The owner of leads that have none."""

_MERGE_IDS = frozenset({"from_lead_id", "into_lead_id"})
_LEAD_IDS = _MERGE_IDS | {"lead_id"}
_KEYS = _LEAD_IDS | {"account_id", "stage", "stage_alias", "previous", "previous_alias"}
"""Columns that a row needs: a value that should be dropped is hashed."""
_STAGES = {name: alias for alias in ("stage_alias", "previous_alias") for name in (alias.removesuffix("_alias"), alias)}
"""Stage column → column of its alias. An unknown stage may be a person's name, so it is treated like an owner."""
_OWN_COLUMNS = frozenset({"input", "time_note", "reason", "file_name"})
_WHOLE_ROWS = frozenset({"original"})

_SHOWN_LEADS = frozenset({"lead_id", "survivor_id", "original_lead_id", "examples"})
_SHOWN_OWNERS = frozenset({"owner", "current_owner", "stage_text"})
"""`stage_text` holds unknown stages, which may be names."""


@dataclass(frozen=True)
class ColumnMask:
    """How the database stores personal data. `stages` are the spellings of stages, which are nobody's address."""

    personal: Personal
    stages: Sequence[str] = ()

    def column(self, table: str, name: str, kind: str) -> str:
        """Return the SQL of a column of a raw table, under its own name."""
        if kind != "varchar" or name in _OWN_COLUMNS:
            return identifier(name)
        if name in _WHOLE_ROWS:
            return f"{quoted(WITHHELD_ROW)} as {identifier(name)}"
        return f"{self._value(table, name)} as {identifier(name)}"

    def _value(self, table: str, name: str) -> str:
        column = identifier(name)
        if table == "merges" and name in _MERGE_IDS:
            # An account id stays the same id as in leads and accounts.
            account = self._masked("accounts", "account_id", column)
            return f"case when lower(object) = 'account' then {account} else {self._masked(table, name, column)} end"
        return self._masked(table, name, column)

    def _masked(self, table: str, name: str, column: str) -> str:
        treatment = self._treatment(table, name)
        if treatment != "keep":
            return _masked_sql(column, treatment, name)
        if table == "stage_entries" and name in _STAGES and self.personal.owners != "keep":
            spellings = ", ".join(map(quoted, self.stages))
            return (
                f"case when {_STAGES[name]} in ({spellings}) then {column} else {_masked_sql(column, 'hash', name)} end"
            )
        if self.personal.emails == "keep":
            return column
        masked = _masked_sql(column, self.personal.emails, name)
        known = [quoted(stage) for stage in self.stages if "@" in stage]
        except_known = f" and {column} not in ({', '.join(known)})" if known else ""
        return f"case when regexp_matches({column}, {quoted(ADDRESS)}){except_known} then {masked} else {column} end"

    def _treatment(self, table: str, name: str) -> Treatment:
        if name in _LEAD_IDS:
            return self.personal.lead_ids
        if name == "owner":
            return self.personal.owners
        if name == "email":
            return self.personal.emails
        return self.personal.account_names if (table, name) == ("accounts", "name") else "keep"


def _masked_sql(column: str, treatment: Treatment, name: str) -> str:
    return f"{MACRO}({column})" if treatment == "hash" or name in _KEYS else "null::varchar"


class QueryRows(Protocol):
    """The rows of a query, as DuckDB returns them."""

    @property
    def description(self) -> Any:
        """The columns: (name, …) each."""

    def fetchall(self) -> list[Any]:
        """Return all rows that are left."""

    def fetchmany(self, size: int = 1) -> list[Any]:
        """Return the next `size` rows."""


class QueryConnection(Protocol):
    """What the report reads from: a DuckDB connection, or one with masked rows."""

    def execute(self, query: str, /) -> QueryRows:
        """Run a query."""


@dataclass(frozen=True)
class MaskedConnection:
    """Masks the rows of every query by the names of their columns, and e-mail addresses in any text.

    Rows are masked after the query, so `where` and `order by` work on the stored values. A query must not look for a value
    that was shown: an owner's leads are asked for by the owner's position in the list.
    """

    connection: QueryConnection
    personal: Personal
    pseudonyms: Pseudonyms

    def execute(self, query: str, /) -> QueryRows:
        """Run a query; its rows are masked when they are fetched."""
        return _MaskedRows(self.connection.execute(query), self)

    def mask(self, names: Sequence[str], rows: list[Any]) -> list[Any]:
        """Return the rows, masked. `names` are their columns."""
        slice_position = names.index("dimension") if "dimension" in names else None
        return [
            tuple(
                self._value(self._treatment(name, None if slice_position is None else row[slice_position]), value)
                for name, value in zip(names, row, strict=True)
            )
            for row in rows
        ]

    def _treatment(self, name: str, dimension: object) -> Treatment:
        if name in _SHOWN_LEADS:
            return self.personal.lead_ids
        if name in _SHOWN_OWNERS or (name == "dimension_value" and dimension == "owner"):
            return self.personal.owners
        return self.personal.account_names if name == "account_name" else "keep"

    def _value(self, treatment: Treatment, value: Any) -> Any:
        if isinstance(value, list):
            return [self._value(treatment, each) for each in value]
        if not isinstance(value, str) or value == NOBODY:
            return value
        if treatment == "hash":
            return self.pseudonyms.of(value)
        if treatment == "drop":
            return WITHHELD
        if self.personal.emails == "keep" or "@" not in value:
            return value
        text = self.pseudonyms.within(value)
        return text if self.personal.emails == "hash" or text == value else WITHHELD


@dataclass(frozen=True)
class _MaskedRows:
    rows: QueryRows
    connection: MaskedConnection

    @property
    def description(self) -> Any:
        return self.rows.description

    def fetchall(self) -> list[Any]:
        return self.connection.mask(self._names, self.rows.fetchall())

    def fetchmany(self, size: int = 1) -> list[Any]:
        return self.connection.mask(self._names, self.rows.fetchmany(size))

    @property
    def _names(self) -> list[str]:
        return [column[0] for column in self.rows.description or []]


def masked(
    connection: QueryConnection, personal: Personal, stored: Personal, pseudonyms: Pseudonyms | None
) -> QueryConnection:
    """Return a connection whose rows are masked; the same one if everything is kept. A stored hash is not hashed again."""
    if pseudonyms is None or personal.is_plain:
        return connection
    pairs = zip(personal.treatments, stored.treatments, strict=True)
    left = ["keep" if pair == ("hash", "hash") else pair[0] for pair in pairs]
    return MaskedConnection(connection, Personal(*left), pseudonyms)
