"""Write funnel.xlsx, the workbook for people: rates, months, sources, owners, overdue leads, one row per lead, notes.

A sheet is a query with a heading and a number format per column. Text never becomes a formula or a link, and the same rows
produce the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.privacy.masking import QueryConnection
from pipeline.report.outputs import people_sheets
from pipeline.report.outputs.people_sheets import HeadlinePair, Sheet
from pipeline.report.outputs.sheets import SheetBook
from pipeline.report.text import moment

if TYPE_CHECKING:
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

HEADING_LINE = 2
"""Line of the headings, from 0: below the sentence of the sheet."""
LINES_PER_CHART = 16
REST = "all others"
"""Stands for null in the first column: the values beyond the largest ones."""


def write_people_workbook(connection: QueryConnection, path: Path) -> None:
    """Write the workbook of the report of all leads. Raises OSError when the file cannot be written."""
    ((name, as_of, as_of_local, timezone, leads),) = connection.execute(
        "select name, as_of, as_of_local, timezone, (select count(*) from clean.leads where is_in_scope)"
        " from report.overview where report = 'all'"
    ).fetchall()
    as_of_words = f"{moment(as_of_local)} {timezone}"
    pairs = tuple(HeadlinePair(*row) for row in connection.execute(people_sheets.PAIRS).fetchall())
    workbook = SheetBook(path, as_of)
    summary, next_line = _add(workbook, people_sheets.summary_sheet(name, as_of_words), connection)
    for pair in pairs:
        months, end = _add(workbook, people_sheets.months_sheet(pair), connection)
        summary.insert_chart(
            next_line + 1 + LINES_PER_CHART * (pair.headline_no - 1), 0, _chart(workbook.book, pair, months, end)
        )
        for dimension, label in people_sheets.shown_dimensions(connection, pair):
            _add(workbook, people_sheets.values_sheet(pair, dimension, label), connection)
    _add(workbook, people_sheets.overdue_sheet(), connection)
    _add(workbook, people_sheets.leads_sheet(connection, leads), connection)
    _add(workbook, people_sheets.notes_sheet(name, as_of_words), connection)
    workbook.book.close()


def _add(workbook: SheetBook, sheet: Sheet, connection: QueryConnection) -> tuple[Worksheet, int]:
    """Write a sheet with the rows of its query. Returns it with the line below the rows."""
    rows = connection.execute(sheet.query).fetchall()
    worksheet = workbook.sheet(sheet.name)
    worksheet.write_string(0, 0, sheet.sentence)
    worksheet.freeze_panes(HEADING_LINE + 1, 1)
    named = ((REST if first is None else first, *others) for first, *others in rows)
    return worksheet, HEADING_LINE + 1 + workbook.write(worksheet, sheet.columns, named, HEADING_LINE)


def _chart(book: Workbook, pair: HeadlinePair, months: Worksheet, end: int) -> Any:
    """Return the chart of the monthly rate: final months only, with the target if there is one."""
    first, last = HEADING_LINE + 1, max(HEADING_LINE + 1, end - 1)
    chart: Any = book.add_chart({"type": "line"})
    lines = [("Rate", people_sheets.RATE_PLACE, {"width": 2.25, "color": "#1F5FA8"})]
    if pair.target is not None:
        lines.append(("Target", people_sheets.TARGET_PLACE, {"width": 1.25, "color": "#767676", "dash_type": "dash"}))
    for name, place, line in lines:
        chart.add_series(
            {
                "name": name,
                "categories": [months.name, first, 0, last, 0],
                "values": [months.name, first, place, last, place],
                "line": line,
            }
        )
    # A title that begins with `=` would be a formula.
    chart.set_title({"name": f"Monthly rate, {pair.name} within {pair.window_days} days", "name_font": {"size": 12}})
    chart.set_x_axis({"num_format": people_sheets.MONTH, "text_axis": True})
    chart.set_y_axis({"num_format": "0%", "major_gridlines": {"visible": True, "line": {"color": "#DDDDDD"}}})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 820, "height": 300})
    return chart
