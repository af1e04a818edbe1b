"""Rows of cells without lines of text, as a sheet or the table of a web page has them: the header and the records.

The records become our own copy in quoted CSV, as those of JSON lines do.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import IO

from pipeline.config.configuration import Input
from pipeline.ingest.readers import csv_recovery
from pipeline.ingest.readers.headers import Header, bind_header, missing_columns_error, refuse_too_many_columns
from pipeline.ingest.refusal import FileRefusedError
from pipeline.ingest.rows.columns import BindError

_HEADER_SEARCH_ROWS = 50

Range = tuple[tuple[int, int], tuple[int, int]]
"""The first and the last cell of a rectangle, each by row and column, 0 = first."""


@dataclass(frozen=True)
class Grid:
    """The `rows` of texts from the first row on, empty rows too; `place` says where, for messages; `merged` are rectangles of
    cells that only have the value of their first; `remarks` are for the warnings of the load."""

    rows: Callable[[], Iterator[list[str]]]
    place: str
    merged: tuple[Range, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class GridHeader:
    """The header and the row in which it is, 0 = first."""

    header: Header
    row: int


@dataclass
class Tally:
    """What one pass met: records, the quarantined of them, empty rows below the header, and line ends inside values."""

    records: int = 0
    quarantined: int = 0
    blank: int = 0
    newlines: int = 0


def header_of(grid: Grid, input_: Input) -> GridHeader:
    """Bind the row `header_row`, or the first that is not empty. Raises Refused, with a hint where there is one."""
    start = list(islice(grid.rows(), (input_.header_row or 1) - 1 + _HEADER_SEARCH_ROWS))
    filled = [number for number, row in enumerate(start) if any(cell.strip() for cell in row)]
    at = input_.header_row - 1 if input_.header_row else next(iter(filled), -1)
    if at not in filled:
        raise FileRefusedError(
            f"{grid.place} is empty" if not input_.header_row else f"row {input_.header_row} of {grid.place} is empty",
            "correct header_row or sheet for this input, or export it again",
        )
    names = tuple(cell.strip() for cell in start[at])
    refuse_too_many_columns(names)
    try:
        header = bind_header(names, input_)
    except BindError as problem:
        later = [number for number in filled if number != at and _binds(start[number], input_)]
        if later and not problem.twice:
            raise FileRefusedError(
                f"the header is not in row {at + 1} of {grid.place}",
                f"declare header_row = {later[0] + 1} for this input",
            ) from None
        plain = missing_columns_error(problem, names, input_, remedy="give the table a header row")
        raise type(plain)(f"{plain.reason} in row {at + 1} of {grid.place}", plain.next_step) from None
    bound = header.bound
    used = {*bound.columns.values(), *(place for ours, place in bound.extras.items() if ours in input_.columns)}
    used |= set(header.plan.needed) if header.plan else set()
    for (top, left), (bottom, right) in grid.merged:
        hit = [names[place] for place in sorted(used) if left <= place <= right and place < len(names)]
        if hit and top <= at <= bottom:
            raise FileRefusedError(
                f"the header of column `{hit[0][:40]}` is merged with other cells in {grid.place}",
                "undo the merge, so that each column has a header of its own",
            )
    return GridHeader(replace(header, lines=0), at)


def remarks(grid: Grid, grid_header: GridHeader) -> tuple[str, ...]:
    """What deserves a look: the grid's own remarks, and merged cells below the header."""
    merged = sum(top > grid_header.row for (top, _), _ in grid.merged)
    said = "1 merged range of cells" if merged == 1 else f"{merged:,} merged ranges of cells"
    more = (f"{said} below the header: only the first cell of each has the value",) if merged else ()
    return (*grid.remarks, *more)


def records(grid: Grid, grid_header: GridHeader, tally: Tally) -> Iterator[tuple[int, list[str]]]:
    """The rows below the header that are not empty, numbered from 1."""
    for row in islice(grid.rows(), grid_header.row + 1, None):
        if not any(cell.strip() for cell in row):
            tally.blank += 1
            continue
        tally.records += 1
        yield tally.records, row


def write_copy(grid: Grid, grid_header: GridHeader, copy: IO[bytes], tally: Tally) -> Iterator[tuple[int, str, str]]:
    """Give the quarantined records (number, reason, original); write the others to `copy` on the way."""
    width = len(grid_header.header.names)
    for number, row in records(grid, grid_header, tally):
        reason = _damage(row, width)
        if reason is not None:
            tally.quarantined += 1
            yield number, reason, original_json(grid_header.header.names, row)
            continue
        cells = [cell.encode() for cell in row]
        tally.newlines += sum(cell.count(b"\n") + cell.count(b"\r") for cell in cells)
        copy.write(csv_recovery.quoted_line(number, cells))


def _damage(row: list[str], width: int) -> str | None:
    if len(row) != width:
        return "too_few_fields" if len(row) < width else "too_many_fields"
    return csv_recovery.damage_reason("".join(row).encode("utf-8", "surrogatepass"))


def original_json(names: tuple[str, ...], row: list[str]) -> str:
    """A row as a JSON object; a cell beyond the header, or under a name that is there twice, goes by the column's number."""
    held: dict[str, str] = {}
    for place, cell in enumerate(row):
        name = names[place] if place < len(names) and names[place] else f"column {place + 1}"
        held[name if name not in held else f"column {place + 1}"] = cell
    # JSON writes a NUL as \\u0000; half a surrogate stands for bytes that are no text.
    return json.dumps(held, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()


def _binds(row: list[str], input_: Input) -> bool:
    try:
        bind_header(tuple(cell.strip() for cell in row), input_)
    except (BindError, FileRefusedError):
        return False
    return True
