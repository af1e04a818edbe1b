"""The files beside the pages have the rows of report.*: every value, in the order of the model, with its type."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from pipeline.explore import query
from pipeline.report.data.tables import ReportColumn, report_tables
from pipeline.report.outputs import tables_workbook
from pipeline.report.outputs.files import write_exports, write_workbooks
from pipeline.report.query import read_reports
from pipeline.report.text import plural
from pipeline.transform.project import Model
from pipeline.waterfall.definition import Pair, Sla, Stage, Waterfall
from tests import runs
from tests.sample import Sample
from tests.sql.harness import built, project

MODELS = [model for model in project().models if model.table.schema == "report"]
FORMULAS = ("=1+1", "+49 30", "-2", "@cmd", "\tx", "'=1", "＝1", 'a;"b",\nc', "Ann, sales", "'t Hooft", "x")


@pytest.fixture(scope="module")
def output(quarter: Sample) -> Path:
    return quarter.output


@pytest.fixture(scope="module")
def published(output: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = query.open_published(output)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def book(output: Path) -> openpyxl.Workbook:
    return openpyxl.load_workbook(output / "reports" / "tables.xlsx")


def records_of(text: str) -> list[list[str | None]]:
    """The records of a CSV text by RFC 4180; an empty field is None, two quotes are an empty text."""
    records: list[list[str | None]] = [[]]
    place = 0
    while place < len(text):
        if text[place] == '"':
            field, place = "", place + 1
            while text[place] != '"' or text[place + 1 : place + 2] == '"':
                step = 2 if text[place] == '"' else 1
                field, place = field + text[place], place + step
            records[-1].append(field)
            place += 1
        else:
            end = min(at for at in (text.find(",", place), text.find("\r\n", place)) if at >= 0)
            assert not set('"\r\n') & set(text[place:end])
            records[-1].append(text[place:end] or None)
            place = end
        if text[place] == ",":
            place += 1
            if text[place : place + 2] == "\r\n":
                records[-1].append(None)
        if text[place : place + 2] == "\r\n":
            records.append([])
            place += 2
    return records[:-1]


def value_of(text: str | None, kind: str) -> Any:
    """The value of a field for a column of that type."""
    if text is None:
        return None
    if kind == "VARCHAR":
        unmarked = text.lstrip("'")
        return text[1:] if unmarked != text and unmarked[:1] in tuple("=+-@\t\r\n＝＋－＠") else text
    if kind == "BOOLEAN":
        return {"true": True, "false": False}[text]
    if kind == "DOUBLE":
        return float(text)
    if kind == "DATE":
        return date.fromisoformat(text)
    if kind == "TIMESTAMP":
        return datetime.fromisoformat(text)
    if kind.endswith("[]"):
        return [int(each) for each in text.split(", ")] if text else []
    return int(text)


def kinds(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """Column → type of a table in the files: all but the first column, which names the report."""
    (first, *_), *columns = connection.execute(f"describe report.{table}").fetchall()
    assert "report" == first
    return {name: kind for name, kind, *_ in columns}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.table.name)
def test_a_csv_file_equals_its_model(model: Model, output: Path, published: duckdb.DuckDBPyConnection) -> None:
    """Each file, read with its types, equals the rows of the model's query in their order; rates and days to six digits."""
    text = (output / "reports" / "data" / f"{model.table.name}.csv").read_bytes().decode("utf-8")
    assert text.startswith("\ufeff")
    header, *lines = records_of(text[1:])
    columns = kinds(published, model.table.name)
    rows = [tuple(map(value_of, line, columns.values())) for line in lines]
    assert list(columns) == header
    expected = [row[1:] for row in published.execute(model.sql).fetchall()]
    assert len(expected) == len(rows)
    for one, other in zip(expected, rows, strict=True):
        assert [] == [pair for pair in zip(one, other, strict=True) if not same_to_six_digits(*pair)]


def same_to_six_digits(value: Any, read: Any) -> bool:
    """Whether the file has the value: any but a float exactly, a float to six significant digits."""
    if isinstance(value, float) and isinstance(read, float):
        return math.isclose(value, read, rel_tol=5.01e-6)
    return bool(value == read)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.table.name)
def test_a_model_of_the_report_has_an_order(model: Model) -> None:
    """Files keep the order of the model, so a model ends with `order by`; its rows are sorted by report first."""
    _, _, last = model.sql.rpartition("\norder by")
    assert re.match(r"\s+(\w+\.)?report\b", last)
    assert "from " not in last


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.table.name)
def test_a_model_of_the_report_has_rows_per_report(model: Model) -> None:
    """The comment says so in a form that the files of one report leave out, and each key begins with the report."""
    assert re.match(r"One row per report(, | and |:)", model.header.row_is)
    assert {"report"} == {key[0] for key in (model.header.key, *model.header.unique)}


def test_there_is_a_file_for_each_table_and_an_index(output: Path, published: duckdb.DuckDBPyConnection) -> None:
    """data/ has the tables of schema report, and README.txt has one sentence and the number of rows for each."""
    expected = sorted(f"{model.table.name}.csv" for model in MODELS)
    found = sorted(path.name for path in (output / "reports" / "data").iterdir())
    assert sorted([*expected, "README.txt"]) == found
    index = (output / "reports" / "data" / "README.txt").read_text("utf-8").splitlines()
    for file in expected:
        ((rows,),) = published.execute(f"select count(*) from report.{file.removesuffix('.csv')}").fetchall()
        place = index.index(f"{file} ({plural(rows, 'row')})")
        assert re.match(r"  One row.*[^.]\.$", index[place + 1])


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.table.name)
def test_a_sheet_equals_its_table(
    model: Model, book: openpyxl.Workbook, published: duckdb.DuckDBPyConnection, output: Path
) -> None:
    """openpyxl reads the rows of the table from its sheet; no cell is a formula or a link."""
    name = model.table.name
    sheet = book[name[:31]]
    columns = kinds(published, name)
    header, *lines = sheet.iter_rows(max_col=len(columns))
    assert list(columns) == [cell.value for cell in header]
    rows = [tuple(cell.value for cell in line) for line in lines]
    expected = published.execute(f"select * exclude (report) from report.{name} order by rowid").fetchall()
    assert len(expected) == len(rows)
    for promised, content in zip(expected, rows, strict=True):
        assert [] == [pair for pair in zip(promised, content, strict=True) if not same(*pair)]
    assert {"f"}.isdisjoint({cell.data_type for line in lines for cell in line})
    assert "A2" == sheet.freeze_panes
    last = openpyxl.utils.get_column_letter(len(columns))
    assert f"A1:{last}{len(expected) + 1}" == sheet.auto_filter.ref
    assert all(cell.comment is not None for cell in header)


def same(value: Any, cell: Any) -> bool:
    """Whether a value equals a cell, which has no empty text, no date without a time and only 16 digits."""
    if isinstance(value, float):
        return isinstance(cell, float | int) and math.isclose(value, cell, rel_tol=1e-15)
    if isinstance(value, date) and not isinstance(value, datetime):
        return bool(datetime(value.year, value.month, value.day) == cell)
    if isinstance(value, list):
        return bool(", ".join(map(str, value)) == cell)
    return type(value) is type(cell) and bool(value == cell)


def test_the_first_sheet_describes_the_others(book: openpyxl.Workbook) -> None:
    """It has name, as-of and unit, then each sheet with its rows and each column with its meaning."""
    lines = [[cell.value for cell in line] for line in book["About"].iter_rows()]
    text = {line[0]: line[1] for line in lines[:5]}
    assert "About" == book.sheetnames[0]
    assert ("One quarter, sixteen leads", "Mar 31, 2026, 23:59:59 America/New_York", "cycle") == (
        text["Name"],
        text["As of"],
        text["Unit of the headline"],
    )
    assert set(book.sheetnames[1:]) <= {line[0] for line in lines}
    assert ["headline", "mature_rate", "mature_converted / mature_entered"] in lines


@pytest.mark.parametrize(
    ("column", "kind", "expected"),
    [
        ("entered", "BIGINT", "#,##0"),
        ("stage_no", "INTEGER", ""),
        ("rate_low", "DOUBLE", "0.0%"),
        ("settled_estimate", "DOUBLE", "0.0%"),
        ("gap_to_target", "DOUBLE", "0.0%"),
        ("median_days", "DOUBLE", "0.0"),
        ("median_age_days", "DOUBLE", "0.0"),
        ("overdue_hours", "DOUBLE", "0.0"),
        ("ratio", "DOUBLE", "0.0"),
        ("month_start", "DATE", "yyyy-mm-dd"),
        ("entered_at", "TIMESTAMP", "yyyy-mm-dd hh:mm:ss"),
        ("label", "VARCHAR", ""),
        ("is_partial", "BOOLEAN", ""),
    ],
)
def test_a_column_has_the_number_format_of_its_unit(column: str, kind: str, expected: str) -> None:
    """Counts have thousands separators, shares are percentages, durations have one decimal, dates are dates."""
    assert expected == tables_workbook.number_format(ReportColumn(column, kind, ""))


def test_every_share_is_a_percentage(published: duckdb.DuckDBPyConnection) -> None:
    """A column of a rate, share or interval is a percentage; days and hours are not."""
    for table in report_tables(published, None):
        for column in table.columns:
            number_format = tables_workbook.number_format(column)
            if column.kind == "DOUBLE":
                is_length = bool({"days", "hours", "depth", "reached", "ratio"} & set(column.name.split("_")))
                assert (number_format == "0.0%") != is_length, f"{table.name}.{column.name}"


def test_two_runs_write_the_same_bytes(output: Path, tmp_path: Path) -> None:
    """With another clock and four threads instead of two, every file under reports/ is the same, workbook included."""
    later = runs.CLOCK + timedelta(days=3)
    runs.run(runs.QUARTER, tmp_path, as_of=runs.QUARTER_AS_OF, threads=4, clock=later)
    assert contents(output / "reports") == contents(tmp_path / "reports")
    assert {"funnel.xlsx", "tables.xlsx", "summary.json", "data/headline.csv"} <= set(contents(tmp_path / "reports"))


def contents(folder: Path) -> dict[str, bytes]:
    """Path → bytes of all files below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def database_with_owners(*owners: str) -> duckdb.DuckDBPyConnection:
    """A database in which each owner has one open lead."""
    path = (
        Stage("a", "A", "a", "The lead is a.", "path", 1, sla=Sla(2, "day")),
        Stage("b", "B", "b", "The lead is b.", "path", 2),
    )
    rows = [
        {
            "input": "history", "load_no": 1, "row_number": number, "lead_id": f"L{number}", "stage": "a", "owner": owner,
            "entered_at": datetime(2026, 1, 1, 9) + timedelta(days=number),
        }
        for number, owner in enumerate(owners, 1)
    ]  # fmt: skip
    return built(
        Waterfall("=Edge()", "UTC", path, headline=(Pair("a", "b", 1.0),)),
        datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC),
        {"stage_entries": rows},
    )


def write_files(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Write the files of the report of all leads and close the database."""
    reports = read_reports(connection)
    write_exports(connection, folder, reports[0], report_tables(connection, reports[0]))
    write_workbooks(connection, folder, reports)
    connection.close()


def test_no_name_becomes_a_formula(tmp_path: Path) -> None:
    """Owners that look like formulas are unchanged text in the workbook, and escaped in the CSV files."""
    connection = database_with_owners(*FORMULAS)
    names = {name for (name,) in connection.execute("select current_owner from report.open_by_owner").fetchall()}
    write_files(connection, tmp_path)
    assert len(FORMULAS) == len(names)
    sheet = openpyxl.load_workbook(tmp_path / "tables.xlsx")["open_by_owner"]
    at = next(cell.column for cell in sheet[1] if cell.value == "current_owner")
    cells = [sheet.cell(line, at) for line in range(2, sheet.max_row + 1)]
    assert (names, {"s"}) == ({cell.value for cell in cells}, {cell.data_type for cell in cells})
    header, *lines = records_of((tmp_path / "data" / "open_by_owner.csv").read_bytes().decode("utf-8-sig"))
    csv_texts = [str(line[header.index("current_owner")]) for line in lines]
    assert names == {value_of(text, "VARCHAR") for text in csv_texts}
    assert [] == [text for text in csv_texts if text[0] in "=+-@\t\r\n＝＋－＠"]


def test_a_name_that_is_a_formula_stays_one_cell_on_the_first_sheet(tmp_path: Path) -> None:
    """The name of the waterfall is text as well."""
    connection = database_with_owners("x")
    write_files(connection, tmp_path)
    cell = openpyxl.load_workbook(tmp_path / "tables.xlsx")["About"]["B1"]
    assert ("=Edge()", "s") == (cell.value, cell.data_type)


def test_a_database_without_an_entry_has_its_files(tmp_path: Path) -> None:
    """They are headers without rows, a valid workbook, and a summary of zeros and nulls."""
    connection = database_with_owners()
    write_files(connection, tmp_path)
    assert (tmp_path / "data" / "stuck_leads.csv").read_text("utf-8-sig").count("\n") == 1
    book = openpyxl.load_workbook(tmp_path / "tables.xlsx")
    assert 1 == book["stuck_leads"].max_row
    content = json.loads((tmp_path / "summary.json").read_text("utf-8"))
    assert (0, 0, [0, None]) == (
        content["leads"],
        content["overdue"],
        [content["headline"][0]["cohorts"][0][key] for key in ("entered", "rate")],
    )
