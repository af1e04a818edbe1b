"""The limits of a workbook: names of sheets, rows of a sheet, characters of a cell."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from pipeline.report.data.tables import ReportColumn, ReportTable
from pipeline.report.outputs import tables_workbook
from pipeline.report.query import ReportFilter


def table_of(
    *columns: tuple[str, str], name: str = "made_up", rows: int = 1, report: ReportFilter | None = None
) -> ReportTable:
    return ReportTable(
        name, "One row per thing.", tuple(ReportColumn(*each, "") for each in columns), rows, report=report
    )


def filled(path: Path, *tables: tuple[ReportTable, list[tuple[Any, ...]]]) -> openpyxl.Workbook:
    """Write a workbook of these tables and read it."""
    tables_workbook.write_tables_workbook(path, datetime(2026, 3, 31), [("Name", "x")], tables)
    return openpyxl.load_workbook(path)


def test_names_of_sheets_are_unique(tmp_path: Path) -> None:
    """Long names are truncated and numbered; reserved names get a number."""
    long = "a_table_with_a_name_of_more_than_31"
    tables = [table_of(("x", "BIGINT"), name=name) for name in (f"{long}_1", f"{long}_2", "history", "about")]
    book = filled(tmp_path / "x.xlsx", *((table, [(1,)]) for table in tables))
    assert ["About", long[:31], f"{long[:29]} 2", "history 2", "about 2"] == book.sheetnames


@pytest.mark.parametrize(
    ("report", "complete"),
    [
        (ReportFilter("all", "All leads", "all", "all"), "data/made_up.csv has them all"),
        (None, "data/made_up.csv of each report has all of its rows"),
    ],
)
def test_rows_and_texts_beyond_the_limit_are_omitted_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, report: ReportFilter | None, complete: str
) -> None:
    """Rows beyond the limit are only in the CSV files, which the first sheet says; texts are truncated at Excel's limit."""
    monkeypatch.setattr(tables_workbook, "MAX_ROWS_PER_SHEET", 2)
    table = table_of(("text", "VARCHAR"), ("day", "DATE"), rows=3, report=report)
    rows = [("x" * 40_000, date(1815, 6, 18)), ("=y", date(1900, 1, 2)), ("z", None)]
    book = filled(tmp_path / "x.xlsx", (table, rows))
    sheet = book["made_up"]
    assert (3, 32_767, "1815-06-18") == (sheet.max_row, len(str(sheet["A2"].value)), sheet["B2"].value)
    assert (datetime(1900, 1, 2), "=y", "s") == (sheet["B3"].value, sheet["A3"].value, sheet["A3"].data_type)
    about = [cell.value for line in book["About"].iter_rows() for cell in line]
    assert f"The first 2 rows; {complete}. One row per thing." in about
