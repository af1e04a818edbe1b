"""Write tables.xlsx: the sheet About, and a sheet with the first rows of each report.* table."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from pipeline.report.data.tables import ReportColumn, ReportTable
from pipeline.report.outputs.sheets import COUNT, LENGTH, MAX_TEXT_LENGTH, Heading, SheetBook

MAX_ROWS_PER_SHEET = 10_000
"""Rows in a sheet. The CSV files have all rows."""
SHARE, DAY, MOMENT = "0.0%", "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UBIGINT")
_SHARES = frozenset(
    {"rate", "share", "low", "high", "estimate", "target", "change", "miss", "part", "coverage", "difference", "value"}
)
_NUMBERS_OF_THINGS = ("_no", "rank", "position")


def write_tables_workbook(
    path: Path,
    as_of: datetime,
    facts: Iterable[tuple[str, str]],
    tables: Iterable[tuple[ReportTable, Iterable[tuple[Any, ...]]]],
) -> None:
    """Write tables with their rows into sheets, and `facts` (word, text) with a list of the sheets into the sheet About."""
    book = SheetBook(path, as_of)
    about = book.sheet("About")
    sheets, columns = [], []
    for table, rows in tables:
        sheet = book.sheet(table.name)
        sheet.freeze_panes(1, 0)
        headings = [Heading(each.name, number_format(each), each.comment) for each in table.columns]
        written = book.write(sheet, headings, islice(rows, MAX_ROWS_PER_SHEET))
        all_rows = "has them all" if table.report else "of each report has all of its rows"
        omitted = f"The first {written:,} rows; data/{table.name}.csv {all_rows}. " if written < table.rows else ""
        sheets.append((sheet.name, table.rows, omitted + table.comment))
        columns += [(sheet.name, each.name, each.comment) for each in table.columns]
    top = {"valign": "top"}
    about.set_column(0, 0, 26, book.book.add_format(top))
    about.set_column(1, 1, 22, book.book.add_format({**top, "num_format": COUNT}))
    about.set_column(2, 2, 100, book.book.add_format({**top, "text_wrap": True}))
    of_sheets, of_columns = ("sheet", "rows", "one row is"), ("sheet", "column", "it holds")
    short_facts = ((word, text[:MAX_TEXT_LENGTH]) for word, text in facts)
    lines: list[tuple[Any, ...]] = [*short_facts, (), of_sheets, *sheets, (), of_columns, *columns]
    for number, values in enumerate(lines):
        about.write_row(number, 0, values, book.bold if values in (of_sheets, of_columns) else None)
    book.book.close()


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
