"""A sheet of a workbook whose rows are written as text at once, byte for byte what xlsxwriter makes of them.

xlsxwriter keeps each cell with its format and asks of each what it is, twice, which was most of the time that a workbook
takes. A cell of a plain row is but its number or its text between two pieces of XML. Only this module knows how xlsxwriter
works inside; tests/report/test_sheet.py compares the bytes and says which is slower.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from itertools import groupby
from typing import Any

from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

LONGEST_TEXT = 32_767
"""UTF-16 units that a cell takes."""
ROWS_OF_A_SPAN = 16
"""So many rows say together from which column to which they are filled."""
_DAY_ZERO = datetime(1899, 12, 30)  # as spreadsheets count from March 1900 on, who know a 29 February 1900
_LEAP = datetime(1900, 3, 1)

Value = str | int | float | bool | date | datetime | None


class PlainSheet(Worksheet):
    """A sheet: line 0 by the means of xlsxwriter, every further one by `add_row`, values in the order of `formats`."""

    # What xlsxwriter sets and says nothing of.
    str_table: Any
    dim_rowmax: Any
    fh: Any

    def __init__(self) -> None:
        """As xlsxwriter makes it, which gives it its name and its place afterwards."""
        super().__init__()
        self.formats: tuple[Format | None, ...] = ()
        self._rows: list[list[str | None]] = []

    def add_row(self, values: Sequence[Value]) -> None:
        """The next row. TypeError for a number that is none (NaN)."""
        self._rows.append([None if value is None else self._written(value) for value in values])

    def _written(self, value: Value) -> str:
        """A cell from where its format would stand to its end."""
        if isinstance(value, str):
            return f' t="s"><v>{self.str_table._get_shared_string_index(fitting(value))}</v></c>'
        if isinstance(value, bool):
            return f' t="b"><v>{value:d}</v></c>'
        number = serial(value) if isinstance(value, date) else value
        if isinstance(number, float) and not math.isfinite(number):
            raise TypeError("a cell takes no NaN and no infinity")
        return f"><v>{number:.16G}</v></c>"

    def _write_dimension(self) -> None:
        self.dim_rowmax = max((line for line, cells in enumerate(self._rows, 1) if any(cells)), default=0)
        super()._write_dimension()
        self.dim_rowmax = 0

    def _write_rows(self) -> None:
        """Called by xlsxwriter between <sheetData> and its end."""
        super()._write_rows()
        names = [f'<c r="{xl_col_to_name(number)}' for number in range(len(self.formats))]
        rows = enumerate(self._rows, 1)
        for _, block in groupby(rows, lambda row: row[0] // ROWS_OF_A_SPAN):
            held = [
                (line + 1, [(at, cell) for at, cell in enumerate(cells) if cell is not None]) for line, cells in block
            ]
            filled = [number for _, cells in held for number, _ in cells]
            if not filled:
                continue
            first = 1 if held[0][0] <= ROWS_OF_A_SPAN else min(filled) + 1  # the heading is one of the first 16
            last = len(names) if held[0][0] <= ROWS_OF_A_SPAN else max(filled) + 1
            for line, cells in held:
                if cells:
                    texts = [f'{names[number]}{line}"{self._style(number, cell)}{cell}' for number, cell in cells]
                    self.fh.write(f'<row r="{line}" spans="{first}:{last}">{"".join(texts)}</row>')

    def _style(self, number: int, cell: str) -> str:
        shown = self.formats[number]
        if shown is None or not cell.startswith(">"):
            return ""
        index: int = shown._get_xf_index()  # type: ignore[no-untyped-call]
        return f' s="{index}"'


@lru_cache(4096)
def serial(day: date) -> float | int:
    """A date or time (from 1900 on) as spreadsheets count: days since 30 December 1899."""
    moment = day if isinstance(day, datetime) else datetime(day.year, day.month, day.day)
    since = moment - _DAY_ZERO
    days = since.days - (moment < _LEAP)
    return days + (since.seconds + since.microseconds / 1e6) / 86400


def fitting(text: str) -> str:
    """The text as far as a cell takes it."""
    if len(text) <= LONGEST_TEXT // 2:
        return text
    return text.encode("utf-16-le")[: 2 * LONGEST_TEXT].decode("utf-16-le", "ignore")
