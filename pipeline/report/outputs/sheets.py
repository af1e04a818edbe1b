"""Write rows into the sheets of a workbook. Text never becomes a formula or a link, and the same rows produce the same bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.report.outputs.csv_cells import list_text

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

MAX_NAME_LENGTH = 31
MAX_TEXT_LENGTH = 32_767
"""Maximum characters in a cell."""
MAX_COLUMN_WIDTH = 48
FIRST_EXCEL_DATE = datetime(1900, 1, 2)
"""Spreadsheets have no date before 1900, and xlsxwriter writes its first midnight as a time without a date."""
COUNT, LENGTH = "#,##0", "0.0"
_NOT_IN_A_NAME = re.compile(r"[\[\]:*?/\\]")


@dataclass(frozen=True)
class Heading:
    """The heading of a column, the number format of its cells, and a comment on the heading."""

    text: str
    format: str = ""
    comment: str = ""


class SheetBook:
    """A workbook while its sheets are written. Close `book` to write the file."""

    def __init__(self, path: Path, created_at: datetime) -> None:
        """`created_at` is the creation date in the file. Pass as-of, so that two runs write the same bytes."""
        from xlsxwriter import Workbook  # slow to import

        # Temporary files could be read by other users, and are slow.
        plain = {"strings_to_formulas": False, "strings_to_urls": False}
        self.book: Workbook = Workbook(str(path), {"in_memory": True, **plain})
        self.book.set_properties({"created": created_at})
        self.bold = self.book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        self._formats: dict[str, Format] = {}
        self._names = {"history"}  # Excel reserves the name History

    def sheet(self, name: str) -> Worksheet:
        """Add an empty sheet. Its name is one that Excel accepts and that no other sheet has."""
        unused = shortened = _NOT_IN_A_NAME.sub(" ", name)[:MAX_NAME_LENGTH].strip(" '")
        number = 1
        while unused.lower() in self._names:
            number += 1
            unused = f"{shortened[: MAX_NAME_LENGTH - len(str(number)) - 1]} {number}"
        self._names.add(unused.lower())
        return self.book.add_worksheet(unused)

    def write(
        self, sheet: Worksheet, headings: Sequence[Heading], rows: Iterable[tuple[Any, ...]], line: int = 0
    ) -> int:
        """Write headings into `line`, counted from 0, and rows below, with a filter. Returns the number of rows.

        Columns of the rows beyond `headings` are not shown. Raises TypeError for NaN.
        """
        widths, formats = [], []
        for place, heading in enumerate(headings):
            sheet.write_string(line, place, heading.text, self.bold)
            if heading.comment:
                height = 17 * (2 + len(heading.comment) // 34)
                sheet.write_comment(line, place, heading.comment, {"author": "", "width": 240, "height": height})
            widths.append(max(10, min(len(heading.text) + 4, 24)))  # space for the arrow of the filter
            formats.append(self._format(heading.format))
        last = line
        for last, row in enumerate(rows, line + 1):
            for place, (value, number_format) in enumerate(zip(row, formats, strict=False)):
                if value is not None:
                    width = write_cell(sheet, last, place, value, number_format)
                    widths[place] = max(widths[place], min(width, MAX_COLUMN_WIDTH))
        for place, width in enumerate(widths):
            sheet.set_column(place, place, width)
        sheet.autofilter(line, 0, last, len(headings) - 1)
        return last - line

    def _format(self, number_format: str) -> Format | None:
        if number_format and number_format not in self._formats:
            self._formats[number_format] = self.book.add_format({"num_format": number_format})
        return self._formats.get(number_format)


def write_cell(sheet: Worksheet, line: int, column: int, value: Any, cell_format: Format | None) -> int:
    """Write a value by its type and return its width in characters."""
    if isinstance(value, bool):
        sheet.write_boolean(line, column, value)
    elif isinstance(value, date) and _midnight(value) >= FIRST_EXCEL_DATE:
        sheet.write_datetime(line, column, _midnight(value), cell_format)
        return 20 if isinstance(value, datetime) else 11
    elif isinstance(value, str | list | date):
        text = value if isinstance(value, str) else list_text(value) if isinstance(value, list) else value.isoformat()
        sheet.write_string(line, column, text)
        return len(text) + 1
    else:
        sheet.write_number(line, column, value, cell_format)
    return 11


def _midnight(value: date) -> datetime:
    """Return a date as a datetime at midnight; a datetime unchanged."""
    return value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
