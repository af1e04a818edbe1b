"""How the header of a file binds to the columns of its input table."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from pipeline.config.configuration import Input
from pipeline.config.input_tables import CONTRACTS, Column
from pipeline.waterfall.names import INVISIBLE

# What landing itself adds to a row; an extra column of that name would be taken for it.
LANDING_COLUMNS = (
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


class BindError(Exception):
    """The header doesn't fit the contract: required columns are missing, or a header is there twice."""

    def __init__(self, missing: tuple[str, ...] = (), twice: tuple[str, ...] = ()) -> None:
        self.missing = missing
        self.twice = twice
        super().__init__(f"missing {missing}, twice {twice}")


def bind(header: tuple[str, ...], input_: Input) -> Bound:
    """Bind a header by name, as `normalise_header` compares names; the order of the columns doesn't matter.

    A column that the configuration maps takes its header and no other. Every field that nothing claims is an extra
    column, under a lower_snake_case name, with a number where that name is taken. Raises CannotBind, also when a name
    that a column of ours takes is in the header twice.
    """
    contract = CONTRACTS[input_.table]
    positions: dict[str, int] = {}
    repeated: dict[int, list[str]] = {}
    for position, found in enumerate(header):
        name = normalise_header(found)
        if name in positions:
            repeated.setdefault(positions[name], []).append(found)
        elif name:
            positions[name] = position

    mapped = {ours: positions.get(normalise_header(theirs)) for ours, theirs in input_.columns.items()}
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
        raise BindError(twice=twice)
    missing = tuple(name for name in contract.required if name not in columns)
    if missing:
        raise BindError(missing=missing)

    taken = {column.name for column in contract.columns} | set(LANDING_COLUMNS)
    extras: dict[str, int] = {}
    for ours, found_at in mapped.items():
        if ours not in taken and found_at is not None:
            extras[ours] = found_at
            taken.add(ours)
    for position, found in enumerate(header):
        if position not in claimed:
            name = _unused_name(snake_case(found, position), taken)
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


def _unused_name(name: str, taken: set[str]) -> str:
    number, free = 2, name
    while free in taken:
        free = f"{name}_{number}"
        number += 1
    return free
