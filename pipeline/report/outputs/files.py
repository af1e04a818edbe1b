"""Write the report.* tables as CSV files, a workbook and a JSON summary."""

from __future__ import annotations

from pathlib import Path

from pipeline.privacy.masking import QueryConnection
from pipeline.report import links
from pipeline.report.data.tables import ReportTable, read_rows
from pipeline.report.outputs.csv_cells import csv_line
from pipeline.report.outputs.summary_json import summary, to_json
from pipeline.report.outputs.workbook import Book
from pipeline.report.text import moment


def write_exports(
    connection: QueryConnection, folder: Path, tables: tuple[ReportTable, ...], schema: str = "report"
) -> tuple[Path, ...]:
    """Write data/*.csv, funnel.xlsx and summary.json into `folder` and return their paths.

    Each table is read once. Raises OSError when a file cannot be written.
    """
    name, as_of, as_of_local, timezone, unit = connection.execute(
        f"select name, as_of, as_of_local, timezone, unit from {schema}.overview"
    ).fetchall()[0]
    (folder / links.DATA_FOLDER).mkdir(parents=True, exist_ok=True)
    written = [folder / links.data_file(table.name) for table in tables]
    book = Book(folder / links.WORKBOOK, as_of)
    for table, target in zip(tables, written, strict=True):
        with target.open("w", encoding="utf-8-sig", newline="") as file:
            file.write(csv_line([column.name for column in table.columns]))
            file.writelines(csv_line(row) for row in book.add(table, read_rows(connection, table)))
    book.close(
        (
            ("Name", name),
            ("As of", f"{moment(as_of_local)} {timezone}"),
            ("Unit of the headline", unit),
            ("Dates", f"on the clock of {timezone}; columns that end in _at are UTC"),
            ("Shares", "fractions of 1, shown as percentages"),
        )
    )
    document = folder / links.SUMMARY
    document.write_text(to_json(summary(connection, tables, schema)), "utf-8")
    return (*written, folder / links.WORKBOOK, document)
