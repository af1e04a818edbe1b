"""Reports of one value beside the report of all leads: folders, pages, links and queries of a whole run."""

from __future__ import annotations

import csv
from pathlib import Path

import openpyxl
import pytest

from pipeline.publish import run_folder
from pipeline.report import text
from pipeline.run import run
from tests import runs
from tests.cli.commands import contents, copy_of_quarter, tables
from tests.report import reading
from tests.sample import Sample

REPORTS = """
[[reports]]
name = "marketing"
title = "Marketing <created>"
dimension = "origin"
value = "marketing"

[[reports]]
name = "dana"
dimension = "owner"
value = "dana"

[[reports]]
name = "nobody"
title = "Nobody's"
dimension = "owner"
value = "nobody at all"
"""
FOLDERS = ("", "marketing", "dana", "nobody")


@pytest.fixture(scope="module")
def toml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of the quarter with three additional reports."""
    return copy_of_quarter(tmp_path_factory.mktemp("in"), REPORTS)


@pytest.fixture(scope="module")
def published(toml: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of a run with these reports."""
    output = tmp_path_factory.mktemp("build")
    done = runs.run(toml, output, as_of=runs.QUARTER_AS_OF)
    assert "report nobody: no lead has owner = nobody at all, so it is empty" in done.warnings
    assert 1 == sum("so it is empty" in warning for warning in done.warnings)
    return output


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_report_is_complete_and_its_queries_run(published: Path, folder: str) -> None:
    """Pages, links, tables and printed queries of each report are valid; the queries select the rows of that report."""
    site = reading.read_folder(published / "reports" / folder)
    assert [] == site.dead_links()
    for page in site.pages.values():
        assert [] == page.unclosed
        assert "None" not in page.text
    connection = runs.query.open_published(published)
    assert [] == reading.failing_queries(site, connection)
    connection.close()
    queries = [sql for sql, *_ in site.queries if sql.startswith("from report.")]
    assert len(queries) > 20
    assert [] == [sql for sql in queries if f"\nwhere report = '{folder or 'all'}'\n" not in sql]


def test_all_reports_have_the_same_pages_and_link_to_each_other(published: Path) -> None:
    """Each page links to the same page of the other reports, with escaped texts of the configuration."""
    sites = {folder: reading.read_folder(published / "reports" / folder) for folder in FOLDERS}
    assert 1 == len({frozenset(site.pages) for site in sites.values()})
    for folder, site in sites.items():
        back = "../" if folder else ""
        for name, page in site.pages.items():
            others = {f"{back}{other}/{name}" if other else f"{back}{name}" for other in FOLDERS if other != folder}
            assert others <= set(page.links)
            assert ("Only what began with" in page.text) == bool(folder)
            assert "Marketing <created>" in page.text


def test_the_pages_show_the_slice_of_the_mart(published: Path) -> None:
    """The shown headline equals the row of that value in marts.conversion."""
    for folder, dimension, value in (
        ("", "all", "all"),
        ("marketing", "origin", "marketing"),
        ("dana", "owner", "dana"),
    ):
        rows = runs.ask(
            published,
            "select entered, converted, passed_over, lost, still_open from marts.conversion where unit = 'cycle'"
            f" and grain = 'all' and window_days is null and dimension = '{dimension}' and dimension_value = '{value}'"
            " and from_stage = 'mql' and to_stage = 'sal'",
        )
        assert list(rows[0].values()) == reading.read_folder(published / "reports" / folder).outcomes(1)
        assert rows[0]["entered"] > 0


def test_a_value_without_leads_gives_an_empty_report(published: Path) -> None:
    """Every figure is zero, every page exists, and the first one says why."""
    site = reading.read_folder(published / "reports" / "nobody")
    assert [0, 0, 0, 0, 0] == site.outcomes(1)
    assert "No lead has owner = nobody at all, so there is nothing to count." in site.pages["index.html"].text


def test_tables_without_slices_are_only_in_the_report_of_all_leads(published: Path) -> None:
    """These are further dimensions, personas, routes and estimates; other texts of all leads are labelled."""
    whole, one = (reading.read_folder(published / "reports" / folder) for folder in ("", "marketing"))
    assert "settled-record" in str(whole.ids)
    assert "settled-record" not in str(one.ids)
    assert any("By dimension" in page.text for page in whole.pages.values())
    assert not any("By dimension" in page.text for page in one.pages.values())
    assert "of all leads; origins and qualifications are of this report" in one.pages["quality.html"].text
    assert whole.tables["table-accounting"] == one.tables["table-accounting"]


def test_every_table_begins_with_the_report_and_explains_itself(published: Path) -> None:
    """The tables of all reports are in one schema; each has the column report first, and comments of all columns."""
    rows = runs.ask(
        published,
        "select schema_name, table_name, column_name, column_index, comment from duckdb_columns()"
        " where starts_with(schema_name, 'report') and not internal order by all",
    )
    assert {"report"} == {row["schema_name"] for row in rows}
    assert {"report"} == {row["column_name"] for row in rows if row["column_index"] == 1}
    assert [] == [row for row in rows if row["comment"] is None]


def test_the_report_of_all_leads_is_the_same_with_and_without_others(published: Path, quarter: Sample) -> None:
    """Reports of one value change no number of the report of all leads."""
    assert contents(quarter.output, "'marts', 'quality'") == contents(published, "'marts', 'quality'")
    for table in tables(published, "'report'"):
        alone, beside = (runs.ask(each, f"from {table} where report = 'all'") for each in (quarter.output, published))
        assert alone == beside, table


def test_one_workbook_has_the_rows_of_all_reports(published: Path) -> None:
    """It is in the folder of the report of all leads; each sheet names the report, that of all leads first."""
    reports = published / "reports"
    assert [reports / "funnel.xlsx", reports / "tables.xlsx"] == sorted(reports.rglob("*.xlsx"))
    book = openpyxl.load_workbook(reports / "tables.xlsx")
    assert {"report"} == {sheet["A1"].value for sheet in book.worksheets[1:]}
    header, *lines = (tuple(cell.value for cell in line) for line in book["stage_flow"].iter_rows())
    expected = runs.ask(
        published,
        "select flow.* from report.stage_flow as flow inner join waterfall.reports as reports"
        " on reports.report = flow.report order by reports.report_no, flow.stage_no, flow.month_start nulls first",
    )
    counts = ("report", "stage", "opening", "ins", "outs", "closing")
    assert [tuple(row[name] for name in counts) for row in expected] == [
        tuple(line[header.index(name)] for name in counts) for line in lines
    ]
    assert ["all", "marketing", "dana", "nobody"] == list(dict.fromkeys(line[0] for line in lines))


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_csv_files_of_a_report_have_its_rows(published: Path, folder: str) -> None:
    """Each file has the rows of its report, and the page of data files says how many."""
    data = published / "reports" / folder / "data"
    page = (published / "reports" / folder / "data.html").read_text("utf-8")
    for table in tables(published, "'report'"):
        file = data / f"{table.removeprefix('report.')}.csv"
        with file.open(encoding="utf-8-sig", newline="") as lines:
            header, *rows = csv.reader(lines)
        (counted,) = runs.ask(published, f"select count(*) as n from {table} where report = '{folder or 'all'}'")
        assert (counted["n"], False) == (len(rows), "report" in header)
        assert f'<a href="data/{file.name}">CSV, {text.plural(len(rows), "row")}</a>' in page


def test_threads_selections_and_a_rewritten_report_change_no_byte(toml: Path, published: Path, tmp_path: Path) -> None:
    """Pages and rows of every report are the same with one or four threads, after a selection, and after `funnel report`."""
    pages, rows = _pages(published), contents(published, "'report'")
    runs.run(toml, tmp_path, as_of=runs.QUARTER_AS_OF, threads=4)
    assert pages == _pages(tmp_path)
    assert rows == contents(tmp_path, "'report'")
    runs.run(toml, tmp_path, as_of=runs.QUARTER_AS_OF, select="report.headline marts.conversion", threads=1)
    assert pages == _pages(tmp_path)
    assert rows == contents(tmp_path, "'report'")
    run.report_again(runs.options(toml, tmp_path, as_of=runs.QUARTER_AS_OF))
    assert pages == _pages(tmp_path)
    assert run_folder.current(tmp_path) is not None


def _pages(output: Path) -> dict[str, bytes]:
    folder = output / "reports"
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.html"))}
