"""The page of data files: files, rows, columns and their meaning."""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True)
class FilesPage:
    """The data files of a report."""

    workbook: str
    summary: str
    tables: tuple[TableFile, ...]


def files_page(tables: tuple[ReportTable, ...]) -> FilesPage:
    """Return the page of data files, with tables by name."""
    return FilesPage(links.WORKBOOK, links.SUMMARY, tuple(map(_file, tables)))


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
