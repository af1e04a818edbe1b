"""Write the report.* tables into one workbook: a sheet per table, and the sheet About.

Text never becomes a formula or a link. The same rows produce the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.report.data.tables import ReportColumn, ReportTable
from pipeline.report.outputs.csv_cells import list_text

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

ABOUT = "About"
MAX_NAME_LENGTH = 31
MAX_ROWS_PER_SHEET = 10_000
"""Rows in a sheet. The CSV files have all rows."""
MAX_TEXT_LENGTH = 32_767
"""Maximum characters in a cell."""
MAX_COLUMN_WIDTH = 48
FIRST_EXCEL_DATE = datetime(1900, 1, 2)
"""Spreadsheets have no date before 1900, and xlsxwriter writes its first midnight as a time without a date."""

COUNT, SHARE, LENGTH, DAY, MOMENT = "#,##0", "0.0%", "0.0", "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UBIGINT")
_SHARES = frozenset(
    {"rate", "share", "low", "high", "estimate", "target", "change", "miss", "part", "coverage", "difference", "value"}
)
_NUMBERS_OF_THINGS = ("_no", "rank", "position")


@dataclass
class _Sheet:
    """A sheet while its rows are written."""

    table: ReportTable
    worksheet: Worksheet
    formats: tuple[Format | None, ...]
    widths: list[int]
    rows_written: int = 0


class Book:
    """A workbook. Add the tables, then close it to write the file."""

    def __init__(self, path: Path, created_at: datetime) -> None:
        """`created_at` is the creation date in the file. Pass as-of, so that two runs write the same bytes."""
        from xlsxwriter import Workbook  # slow to import

        self._book: Workbook = Workbook(
            str(path),
            {"in_memory": True},  # temporary files could be read by other users, and are slow
        )
        self._book.set_properties({"created": created_at})
        self._about = self._book.add_worksheet(ABOUT)
        self._bold = self._book.add_format({"bold": True})
        self._wrapped = self._book.add_format({"text_wrap": True, "valign": "top"})
        self._formats: dict[str, Format] = {}
        self._names = {ABOUT.lower(), "history"}  # Excel reserves the name History
        self._sheets: list[tuple[str, ReportTable, int]] = []

    def add(self, table: ReportTable, rows: Iterable[tuple[Any, ...]]) -> None:
        """Write a sheet with the first rows of a table."""
        name = self._name(table.name)
        sheet = self._start_sheet(name, table)
        for row in islice(rows, MAX_ROWS_PER_SHEET):
            sheet.rows_written += 1
            _write(sheet, row)
        self._finish_sheet(sheet)
        self._sheets.append((name, table, sheet.rows_written))

    def close(self, facts: Iterable[tuple[str, str]]) -> None:
        """Write the sheet About with `facts` (word, text), then the file."""
        sheet = self._about
        sheet.set_column(0, 0, 26)
        sheet.set_column(1, 1, 22)
        sheet.set_column(2, 2, 100)
        line = 0
        for word, text in facts:
            sheet.write_string(line, 0, word, self._bold)
            sheet.write_string(line, 1, text[:MAX_TEXT_LENGTH])
            line += 1
        line = self._heading(line + 1, "sheet", "rows", "one row is")
        for name, table, rows_written in self._sheets:
            sheet.write_string(line, 0, name)
            sheet.write_number(line, 1, table.rows, self._format(COUNT))
            note = (
                ""
                if rows_written == table.rows
                else f"The first {rows_written:,} rows; data/{table.name}.csv "
                f"{'has them all' if table.report else 'of each report has all of its rows'}. "
            )
            sheet.write_string(line, 2, note + table.comment, self._wrapped)
            line += 1
        line = self._heading(line + 1, "sheet", "column", "it holds")
        for name, table, _ in self._sheets:
            for column in table.columns:
                sheet.write_string(line, 0, name)
                sheet.write_string(line, 1, column.name)
                sheet.write_string(line, 2, column.comment, self._wrapped)
                line += 1
        self._book.close()

    def _heading(self, line: int, *words: str) -> int:
        for column, word in enumerate(words):
            self._about.write_string(line, column, word, self._bold)
        return line + 1

    def _name(self, table: str) -> str:
        """Return an unused sheet name. Names differ by more than case."""
        name, number = table[:MAX_NAME_LENGTH], 1
        while name.lower() in self._names:
            number += 1
            ending = f"_{number}"
            name = table[: MAX_NAME_LENGTH - len(ending)] + ending
        self._names.add(name.lower())
        return name

    def _start_sheet(self, name: str, table: ReportTable) -> _Sheet:
        sheet = self._book.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        for number, column in enumerate(table.columns):
            sheet.write_string(0, number, column.name, self._bold)
            if column.comment:
                lines = 2 + len(column.comment) // 34
                sheet.write_comment(0, number, column.comment, {"author": "", "width": 240, "height": 17 * lines})
        return _Sheet(
            table,
            sheet,
            tuple(
                self._format(cell_format) if (cell_format := number_format(each)) else None for each in table.columns
            ),
            [len(column.name) + 4 for column in table.columns],  # space for the arrow of the filter
        )

    def _finish_sheet(self, sheet: _Sheet) -> None:
        sheet.worksheet.autofilter(0, 0, sheet.rows_written, len(sheet.table.columns) - 1)
        for column, width in enumerate(sheet.widths):
            sheet.worksheet.set_column(column, column, width)

    def _format(self, cell_format: str) -> Format:
        if cell_format not in self._formats:
            self._formats[cell_format] = self._book.add_format({"num_format": cell_format})
        return self._formats[cell_format]


def _write(sheet: _Sheet, row: tuple[Any, ...]) -> None:
    """Write the row below the last one. Raises TypeError for NaN."""
    for column, value in enumerate(row):
        if value is not None:
            width = write_cell(sheet.worksheet, sheet.rows_written, column, value, sheet.formats[column])
            sheet.widths[column] = max(sheet.widths[column], min(width, MAX_COLUMN_WIDTH))


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


def number_format(column: ReportColumn) -> str:
    """Return the number format of a column; empty if it needs none."""
    if column.kind == "DATE":
        return DAY
    if column.kind.startswith("TIMESTAMP"):
        return MOMENT
    if column.kind in _WHOLE:
        return "" if column.name.endswith(_NUMBERS_OF_THINGS) else COUNT
    if column.kind == "DOUBLE" or column.kind.startswith("DECIMAL"):
        return SHARE if _SHARES & set(column.name.split("_")) else LENGTH
    return ""
