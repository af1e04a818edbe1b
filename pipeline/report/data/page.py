"""The page of data files: files, rows, columns and their meaning."""

from __future__ import annotations

from typing import Any

from pipeline.report import links, text
from pipeline.report.data.tables import ReportTable
from pipeline.report.layout.table import TableColumn, table

FOR_PEOPLE = "the rates with their charts, by month, source and owner; overdue leads; one row per lead with its dates"
ALL_LEADS = f"{FOR_PEOPLE}: the report of all leads"
ONE_REPORT = "every table below on a sheet of its own"
SEVERAL_REPORTS = (
    "every table on a sheet of its own, with the rows of all reports: the column report has the name of each"
)


def files_page(tables: tuple[ReportTable, ...], root: str, reports: int) -> dict[str, Any]:
    """Return the page of data files, with tables by name.

    `root` is the path to the folder of the report of all leads, and `reports` is the number of reports.
    """
    return {
        "workbook": f"{root}{links.WORKBOOK}",
        "workbook_content": ALL_LEADS if reports > 1 else FOR_PEOPLE,
        "tables_workbook": f"{root}{links.TABLES_WORKBOOK}",
        "tables_workbook_content": SEVERAL_REPORTS if reports > 1 else ONE_REPORT,
        "summary": links.SUMMARY,
        "tables": tuple(map(_file, tables)),
    }


def _file(of: ReportTable) -> dict[str, Any]:
    return {
        "anchor": links.data_anchor(of.name).partition("#")[2],
        "file": links.data_file(of.name),
        "name": of.full_name,
        "rows": text.plural(of.rows, "row"),
        "row_is": of.row_is,
        "columns": table(
            of.columns,
            (
                TableColumn("Column", "", lambda column: column.name, "text"),
                TableColumn("Type", "", lambda column: column.kind.lower(), "text"),
                TableColumn("Meaning", "", lambda column: column.comment, "text"),
            ),
            caption=of.comment or of.full_name,
        ),
    }
