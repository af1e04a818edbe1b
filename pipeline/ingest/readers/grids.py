"""Read the header and the records of a grid of cells: a sheet of a workbook or a table of a web page.

The records are written to a copy in quoted CSV, like the records of JSON lines.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import IO

from pipeline.config.configuration import Input
from pipeline.ingest.readers import csv_recovery
from pipeline.ingest.readers.csv_recovery import Tally
from pipeline.ingest.readers.headers import Header, bind_header, binds, missing_columns_error, refuse_too_many_columns
from pipeline.ingest.refusal import FileRefusedError
from pipeline.ingest.rows.columns import BindError

_HEADER_SEARCH_ROWS = 50

Range = tuple[tuple[int, int], tuple[int, int]]
"""First and last cell of a rectangle as (row, column), 0 = first."""


@dataclass(frozen=True)
class Grid:
    """All `rows` as text, empty rows included. `location` names the grid in messages; `merged` are merged cells; `remarks` become
    warnings of the load."""

    rows: Callable[[], Iterator[list[str]]]
    location: str
    merged: tuple[Range, ...] = ()
    remarks: tuple[str, ...] = ()


def header_of(grid: Grid, input_: Input) -> Header:
    """Bind the row `header_row`, or else the first row that is not empty. Raises FileRefusedError with a hint."""
    start = list(islice(grid.rows(), (input_.header_row or 1) - 1 + _HEADER_SEARCH_ROWS))
    filled = [number for number, row in enumerate(start) if any(cell.strip() for cell in row)]
    at = input_.header_row - 1 if input_.header_row else next(iter(filled), -1)
    if at not in filled:
        raise FileRefusedError(
            f"{grid.location} is empty"
            if not input_.header_row
            else f"row {input_.header_row} of {grid.location} is empty",
            "correct header_row or sheet for this input, or export it again",
        )
    names = _names(start[at])
    refuse_too_many_columns(names)
    try:
        header = bind_header(names, input_)
    except BindError as problem:
        later = [number for number in filled if number != at and binds(_names(start[number]), input_)]
        if later and not problem.twice:
            raise FileRefusedError(
                f"the header is not in row {at + 1} of {grid.location}",
                f"declare header_row = {later[0] + 1} for this input",
            ) from None
        plain = missing_columns_error(problem, names, input_, remedy="give the table a header row")
        raise type(plain)(f"{plain.reason} in row {at + 1} of {grid.location}", plain.next_step) from None
    bound = header.bound
    used = {
        *bound.columns.values(),
        *(position for column, position in bound.extras.items() if column in input_.columns),
    }
    used |= set(header.plan.needed) if header.plan else set()
    for (top, left), (bottom, right) in grid.merged:
        hit = [names[position] for position in sorted(used) if left <= position <= right and position < len(names)]
        if hit and top <= at <= bottom:
            raise FileRefusedError(
                f"the header of column `{hit[0][:40]}` is merged with other cells in {grid.location}",
                "undo the merge, so that each column has a header of its own",
            )
    return replace(header, skip=at + 1, lines=0)


def remarks(grid: Grid, header: Header) -> tuple[str, ...]:
    """Return the remarks of the grid, and one about merged cells below the header."""
    merged = sum(top >= header.skip for (top, _), _ in grid.merged)
    ranges = "1 merged range of cells" if merged == 1 else f"{merged:,} merged ranges of cells"
    more = (f"{ranges} below the header: only the first cell of each has the value",) if merged else ()
    return (*grid.remarks, *more)


def records(grid: Grid, header: Header, tally: Tally) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows below the header that are not empty, numbered from 1."""
    for row in islice(grid.rows(), header.skip, None):
        if not any(cell.strip() for cell in row):
            tally.blank += 1
            continue
        tally.records += 1
        yield tally.records, row


def write_copy(grid: Grid, header: Header, copy: IO[bytes], tally: Tally) -> Iterator[tuple[int, str, str]]:
    """Write the records to `copy`; yield the rejected ones as (number, reason, original)."""
    width = len(header.names)
    for number, row in records(grid, header, tally):
        reason = _reject_reason(row, width)
        if reason is not None:
            tally.rejected += 1
            yield number, reason, original_json(header.names, row)
            continue
        cells = [cell.encode() for cell in row]
        tally.newlines += sum(cell.count(b"\n") + cell.count(b"\r") for cell in cells)
        copy.write(csv_recovery.quoted_line(number, cells))


def _reject_reason(row: list[str], width: int) -> str | None:
    if len(row) != width:
        return "too_few_fields" if len(row) < width else "too_many_fields"
    return csv_recovery.damage_reason("".join(row).encode("utf-8", "surrogatepass"))


def original_json(names: tuple[str, ...], row: list[str]) -> str:
    """Return a row as a JSON object. A cell beyond the header, or with a repeated name, has the key `column N`."""
    values: dict[str, str] = {}
    for position, cell in enumerate(row):
        name = names[position] if position < len(names) and names[position] else f"column {position + 1}"
        values[name if name not in values else f"column {position + 1}"] = cell
    # JSON writes a NUL as \\u0000; half a surrogate marks bytes that could not be decoded.
    return json.dumps(values, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()


def _names(row: list[str]) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in row)
