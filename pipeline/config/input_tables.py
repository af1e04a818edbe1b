"""The input tables and their columns: which a file must have, their types, and the key of a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.waterfall.definition import InputTable

Type = Literal["text", "time", "whole"]


@dataclass(frozen=True)
class Column:
    """A column of an input table. `refused` is the reason that rejects a row without a value; None if a value is optional."""

    name: str
    type: Type = "text"
    refused: str | None = None
    may_be_empty: bool = False
    """The file must have the column, but an empty value is valid and has a meaning."""
    allowed: tuple[str, ...] = ()
    """Allowed values, in any case; another value rejects its row. Empty: any text."""
    also: tuple[str, ...] = ()
    """Other headers that are bound to the column without a mapping."""
    is_id: bool = False

    @property
    def is_required(self) -> bool:
        """Whether a file without this column is refused."""
        return self.refused is not None


@dataclass(frozen=True)
class Contract:
    """The columns of an input table. A table with a key keeps versions of each key; stage_entries has no key and only grows."""

    table: InputTable
    columns: tuple[Column, ...]
    key: str | None = None
    beside_key: tuple[str, ...] = ()
    """More SQL expressions of the key: a lead and an account may have the same id."""

    @property
    def identity(self) -> str:
        """Return the SQL list that identifies a row in all of its versions. Needs `key`."""
        return ", ".join((str(self.key), *self.beside_key))

    @property
    def required(self) -> tuple[str, ...]:
        """Return the names of the columns that a file must have."""
        return tuple(column.name for column in self.columns if column.is_required)


def _text(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name) for name in names)


CONTRACTS: dict[InputTable, Contract] = {
    contract.table: contract
    for contract in (
        Contract(
            "stage_entries",
            (
                Column("lead_id", is_id=True, refused="no_lead"),
                Column("stage", refused="no_stage"),
                Column("entered_at", "time", refused="unreadable_time"),
                Column("sequence", "whole"),
                *_text("owner", "source_system"),
                Column("previous"),
                Column("record_created_at", "time"),
            ),
        ),
        Contract(
            "leads",
            (
                Column("lead_id", is_id=True, refused="no_key"),
                Column("account_id", is_id=True),
                *_text("origin", "lead_source"),
                Column("created_at", "time"),
                *_text("created_stage", "owner", "email", "title", "persona", "current_stage"),
            ),
            key="lead_id",
        ),
        Contract(
            "accounts",
            (Column("account_id", is_id=True, refused="no_key"), *_text("name", "domain", "segment", "region")),
            key="account_id",
        ),
        Contract(
            "merges",
            (
                Column("from_lead_id", is_id=True, refused="no_key", also=("from_id",)),
                Column("into_lead_id", is_id=True, refused="no_key", also=("into_id",)),
                Column("merged_at", "time"),
                Column("object", allowed=("lead", "account")),
            ),
            key="from_lead_id",
            beside_key=("coalesce(lower(object), 'lead')",),
        ),
        Contract(
            "deletions",
            (
                Column("lead_id", is_id=True, refused="no_key"),
                # A row without a time cancels the deletion of the lead (E10).
                Column("deleted_at", "time", refused="unreadable_time", may_be_empty=True),
            ),
            key="lead_id",
        ),
    )
}


def column_names(table: str) -> tuple[str, ...]:
    """Return the names of the columns of an input table."""
    return tuple(column.name for column in CONTRACTS[table].columns)  # type: ignore[index]  # KeyError for another name
