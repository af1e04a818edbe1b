"""The columns that each input table may bring, and how the header of a file binds to them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from pipeline.config.configuration import Input
from pipeline.waterfall.definition import InputTable
from pipeline.waterfall.names import INVISIBLE

Type = Literal["text", "time", "whole"]


@dataclass(frozen=True)
class Column:
    """One of our columns. `refused` is the reason that rejects a row whose value is missing though it must not be."""

    name: str
    type: Type = "text"
    refused: str | None = None
    may_be_empty: bool = False
    """The file must have the column, and an empty value has a meaning of its own."""
    allowed: tuple[str, ...] = ()
    """The words that a value may be, whatever its case; another one rejects its row. Empty: any text."""
    also: tuple[str, ...] = ()
    """Other headers that bind to the column by themselves."""
    is_id: bool = False

    @property
    def is_required(self) -> bool:
        """Whether a file without this column is refused."""
        return self.refused is not None


@dataclass(frozen=True)
class Contract:
    """The columns of an input table. A keyed table keeps versions of its key; stage_entries (no key) only grows."""

    table: InputTable
    columns: tuple[Column, ...]
    key: str | None = None
    beside_key: tuple[str, ...] = ()
    """SQL beside `key` that makes two rows rows of one thing: a lead and an account may have the same id."""

    @property
    def identity(self) -> str:
        """What two versions of one row have in common, as an SQL list; needs `key`."""
        return ", ".join((str(self.key), *self.beside_key))

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns that a file must have."""
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
                # A row without a time takes the lead's deletion back (E10).
                Column("deleted_at", "time", refused="unreadable_time", may_be_empty=True),
            ),
            key="lead_id",
        ),
    )
}

# What landing itself adds to a row; an extra column of that name would be taken for it.
OURS = (
    "input",
    "load_no",
    "row_number",
    "recorded_at",
    "record_number",
    "stage_alias",
    "previous_alias",
    "time_note",
    "unread_time",
    "original",
    "reason",
    "file_name",
)


@dataclass(frozen=True)
class Bound:
    """Which field of a file (0 = first) fills which of our columns, and which fields are extra columns."""

    columns: dict[str, int]
    extras: dict[str, int]
    not_found: tuple[str, ...] = ()
    """Columns that the configuration maps to a header which this file doesn't have."""

    @property
    def fields(self) -> dict[str, int]:
        """Every bound column and extra, by our name."""
        return {**self.columns, **self.extras}


class CannotBind(Exception):
    """The header doesn't fit the contract: required columns are missing, or a header is there twice."""

    def __init__(self, missing: tuple[str, ...] = (), twice: tuple[str, ...] = ()) -> None:
        self.missing = missing
        self.twice = twice
        super().__init__(f"missing {missing}, twice {twice}")


def bind(header: tuple[str, ...], reads: Input) -> Bound:
    """Bind a header by name, as `normalise_header` compares names; the order of the columns doesn't matter.

    A column that the configuration maps takes its header and no other. Every field that nothing claims is an extra
    column, under a lower_snake_case name, with a number where that name is taken. Raises CannotBind, also when a name
    that a column of ours takes is in the header twice.
    """
    contract = CONTRACTS[reads.table]
    positions: dict[str, int] = {}
    repeated: dict[int, list[str]] = {}
    for position, found in enumerate(header):
        name = normalise_header(found)
        if name in positions:
            repeated.setdefault(positions[name], []).append(found)
        elif name:
            positions[name] = position

    mapped = {ours: positions.get(normalise_header(theirs)) for ours, theirs in reads.columns.items()}
    claimed = {position for position in mapped.values() if position is not None}
    columns: dict[str, int] = {}
    for column in contract.columns:
        here = mapped[column.name] if column.name in mapped else _position(column, positions)
        if here is not None and (column.name in mapped or here not in claimed):
            columns[column.name] = here
            claimed.add(here)
    used = {*columns.values(), *(position for position in mapped.values() if position is not None)}
    twice = tuple(name for position, names in repeated.items() if position in used for name in names)
    if twice:
        raise CannotBind(twice=twice)
    missing = tuple(name for name in contract.required if name not in columns)
    if missing:
        raise CannotBind(missing=missing)

    taken = {column.name for column in contract.columns} | set(OURS)
    extras: dict[str, int] = {}
    for ours, found_at in mapped.items():
        if ours not in taken and found_at is not None:
            extras[ours] = found_at
            taken.add(ours)
    for position, found in enumerate(header):
        if position not in claimed:
            name = _free(snake_case(found, position), taken)
            extras[name] = position
            taken.add(name)
    return Bound(columns, extras, tuple(name for name, position in mapped.items() if position is None))


def _position(column: Column, positions: dict[str, int]) -> int | None:
    found = (positions.get(normalise_header(name)) for name in (column.name, *column.also))
    return next((position for position in found if position is not None), None)


def normalise_header(text: str) -> str:
    """The form in which headers are compared: Unicode NFC, nothing invisible, one `_` for spaces of any kind, `_` and `-`,
    none around it, without regard to case."""
    return re.sub(r"[\s_\-]+", "_", visible(text).strip()).strip("_").casefold()


def snake_case(text: str, position: int) -> str:
    """A name for an extra column, `[a-z][a-z0-9_]*`; a header without any letter is `column_7` by its position."""
    name = re.sub(r"[^a-z0-9]+", "_", visible(text).lower()).strip("_")
    name = re.sub(r"^[0-9_]+", "", name)
    return name or f"column_{position + 1}"


def visible(text: str) -> str:
    """The text in Unicode NFC, without what is invisible."""
    return unicodedata.normalize("NFC", INVISIBLE.sub("", text))


def _free(name: str, taken: set[str]) -> str:
    number, free = 2, name
    while free in taken:
        free = f"{name}_{number}"
        number += 1
    return free
