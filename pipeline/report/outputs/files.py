"""Write the report.* tables as CSV files and a JSON summary of each report; two workbooks: one for people, one with the tables."""

from __future__ import annotations

from pathlib import Path

from pipeline.privacy.masking import QueryConnection
from pipeline.report import links
from pipeline.report.data.tables import ReportTable, read_rows, report_tables
from pipeline.report.outputs.csv_cells import csv_line
from pipeline.report.outputs.people_workbook import write_people_workbook
from pipeline.report.outputs.summary_json import summary, to_json
from pipeline.report.outputs.tables_workbook import write_tables_workbook
from pipeline.report.query import ReportFilter
from pipeline.report.text import moment, plural


def write_exports(
    connection: QueryConnection, folder: Path, report: ReportFilter, tables: tuple[ReportTable, ...]
) -> tuple[Path, ...]:
    """Write data/*.csv, their index data/README.txt, and summary.json of one report into `folder` and return their paths.

    `tables` have the rows of this report. Raises OSError when a file cannot be written.
    """
    (folder / links.DATA_FOLDER).mkdir(parents=True, exist_ok=True)
    written = [folder / links.data_file(table.name) for table in tables]
    for table, target in zip(tables, written, strict=True):
        with target.open("w", encoding="utf-8-sig", newline="") as file:
            file.write(csv_line([column.name for column in table.columns]))
            file.writelines(csv_line(row) for row in read_rows(connection, table))
    index = folder / links.DATA_INDEX
    index.write_text(index_text(tables), "utf-8")
    document = folder / links.SUMMARY
    document.write_text(to_json(summary(connection, report, tables)), "utf-8")
    return (*written, index, document)


def index_text(tables: tuple[ReportTable, ...]) -> str:
    """Return one sentence per CSV file, in the order of their names."""
    files = "\n".join(f"{table.name}.csv ({plural(table.rows, 'row')})\n  {table.row_is}.\n" for table in tables)
    return f"The tables of the report, one CSV file each. ../{links.DATA} says what each column means.\n\n{files}"


def write_workbooks(connection: QueryConnection, folder: Path, reports: tuple[ReportFilter, ...]) -> tuple[Path, ...]:
    """Write funnel.xlsx (for people) and tables.xlsx into `folder` and return their paths.

    `reports` starts with the report of all leads, which is that of funnel.xlsx. The sheets of tables.xlsx have the rows of all
    reports, and the column `report` if there are several. Raises OSError when a file cannot be written.
    """
    people = folder / links.WORKBOOK
    write_people_workbook(connection, people)
    path = folder / links.TABLES_WORKBOOK
    total = reports[0]
    name, as_of, as_of_local, timezone, unit = connection.execute(
        f"select name, as_of, as_of_local, timezone, unit from report.overview where {total.condition}"
    ).fetchall()[0]
    tables = report_tables(connection, None if len(reports) > 1 else total)
    write_tables_workbook(
        path,
        as_of,
        (
            ("Name", name),
            ("As of", f"{moment(as_of_local)} {timezone}"),
            ("Unit of the headline", unit),
            ("Dates", f"on the clock of {timezone}; columns that end in _at are UTC"),
            ("Shares", "fractions of 1, shown as percentages"),
        ),
        ((table, read_rows(connection, table)) for table in tables),
    )
    return people, path
