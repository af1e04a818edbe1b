"""Bind the header of a file to the columns of its input table."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from itertools import chain, count

from pipeline.config.configuration import Input
from pipeline.config.input_tables import CONTRACTS, Column
from pipeline.waterfall.names import INVISIBLE

# Columns that loading adds to a row. An extra column must not have one of these names.
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
    """The fields of a file (0 = first) by table column, and the fields that are extra columns."""

    columns: dict[str, int]
    extras: dict[str, int]
    not_found: tuple[str, ...] = ()
    """Columns that the configuration maps to a header that the file does not have."""

    @property
    def fields(self) -> dict[str, int]:
        """Every bound column and extra column by name."""
        return {**self.columns, **self.extras}


class BindError(Exception):
    """The header does not fit the table: required columns are missing, or a header occurs twice."""

    def __init__(self, missing: tuple[str, ...] = (), twice: tuple[str, ...] = ()) -> None:
        self.missing = missing
        self.twice = twice
        super().__init__(f"missing {missing}, twice {twice}")


def bind(header: tuple[str, ...], input_: Input) -> Bound:
    """Bind a header by normalised names; the order of the columns does not matter.

    A column that the configuration maps binds only to that header. Every other field is an extra column with a lower_snake_case
    name, and a number if that name is in use. Raises BindError if a required column is missing or a bound header occurs twice.
    """
    contract = CONTRACTS[input_.table]
    positions: dict[str, int] = {}
    repeated: dict[int, list[str]] = {}
    for position, field_name in enumerate(header):
        name = normalise_header(field_name)
        if name in positions:
            repeated.setdefault(positions[name], []).append(field_name)
        elif name:
            positions[name] = position

    mapped = {
        column_name: positions.get(normalise_header(mapped_header))
        for column_name, mapped_header in input_.columns.items()
    }
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
    for column_name, field_position in mapped.items():
        if column_name not in taken and field_position is not None:
            extras[column_name] = field_position
            taken.add(column_name)
    for position, field_name in enumerate(header):
        if position not in claimed:
            name = unused_name(snake_case(field_name, position), taken)
            extras[name] = position
            taken.add(name)
    return Bound(columns, extras, tuple(name for name, position in mapped.items() if position is None))


def _position(column: Column, positions: dict[str, int]) -> int | None:
    found_positions = (positions.get(normalise_header(name)) for name in (column.name, *column.also))
    return next((position for position in found_positions if position is not None), None)


def normalise_header(text: str) -> str:
    """Return a header in its form for comparison.

    Unicode NFC without invisible characters, case-folded, one `_` for any run of spaces, `_` and `-`, and none at either end.
    """
    return re.sub(r"[\s_\-]+", "_", visible(text).strip()).strip("_").casefold()


def snake_case(text: str, position: int) -> str:
    """Return a name for an extra column, `[a-z][a-z0-9_]*`. A header without letters becomes `column_7` by its position."""
    name = re.sub(r"[^a-z0-9]+", "_", visible(text).lower()).strip("_")
    name = re.sub(r"^[0-9_]+", "", name)
    return name or f"column_{position + 1}"


def visible(text: str) -> str:
    """Return the text in Unicode NFC without invisible characters."""
    return unicodedata.normalize("NFC", INVISIBLE.sub("", text))


def unused_name(name: str, taken: Collection[str]) -> str:
    """Return a name, with a number from 2 on if it is taken."""
    return next(each for each in chain([name], (f"{name}_{number}" for number in count(2))) if each not in taken)
