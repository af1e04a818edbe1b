"""The page of data files: files, rows, columns and their meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.report import links, text
from pipeline.report.data.tables import ReportTable
from pipeline.report.layout.table import Table, TableRow, columns, texts


@dataclass(frozen=True)
class TableFile:
    """A report table as a CSV file."""

    anchor: str
    file: str
    name: str
    rows: str
    row_is: str
    columns: Table


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


def _file(table: ReportTable) -> TableFile:
    return TableFile(
        anchor=links.data_anchor(table.name).partition("#")[2],
        file=links.data_file(table.name),
        name=table.full_name,
        rows=text.plural(table.rows, "row"),
        row_is=table.row_is,
        columns=_columns(table),
    )


def _columns(table: ReportTable) -> Table:
    return Table(
        caption=table.comment or table.full_name,
        columns=tuple(column for word in ("Column", "Type", "Meaning") for column in columns(word)),
        rows=tuple(TableRow(texts(column.name, column.kind.lower(), column.comment)) for column in table.columns),
    )
