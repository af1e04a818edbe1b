"""Reports of one value beside the report of all leads: folders, pages, links and queries of a whole run."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.publish import run_folder
from pipeline.run import run
from tests import runs
from tests.cli.commands import contents, copy_of_quarter
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
SCHEMAS = "'report', 'report_marketing', 'report_dana', 'report_nobody'"


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
    """Pages, links, tables and printed queries of each report are valid; the queries use the tables of that report."""
    site = reading.read_folder(published / "reports" / folder)
    assert [] == site.dead_links()
    for page in site.pages.values():
        assert [] == page.unclosed
        assert "None" not in page.text
    connection = runs.query.open_published(published)
    assert [] == reading.failing_queries(site, connection)
    connection.close()
    schema = f"report_{folder}" if folder else "report"
    schemas_queried = {
        word.split(".")[0] for sql, *_ in site.queries for word in sql.split() if word.startswith("report")
    }
    assert {schema} == schemas_queried


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
        terms = reading.read_folder(published / "reports" / folder).terms[:5]
        assert [str(each) for each in rows[0].values()] == [value for _, value in terms]
        assert rows[0]["entered"] > 0


def test_a_value_without_leads_gives_an_empty_report(published: Path) -> None:
    """Every figure is zero, every page exists, and the first one says why."""
    site = reading.read_folder(published / "reports" / "nobody")
    assert ["0", "0", "0", "0", "0"] == [value for _, value in site.terms[:5]]
    assert "No lead has owner = nobody at all, so there is nothing to count." in site.pages["index.html"].text


def test_tables_without_slices_are_only_in_the_report_of_all_leads(published: Path) -> None:
    """These are further dimensions, personas, routes and estimates; other texts of all leads are labelled."""
    whole, one = (reading.read_folder(published / "reports" / folder) for folder in ("", "marketing"))
    assert "settled-record" in str(whole.ids)
    assert "settled-record" not in str(one.ids)
    assert any("Cut by dimension" in page.text for page in whole.pages.values())
    assert not any("Cut by dimension" in page.text for page in one.pages.values())
    assert "of all leads; origins and qualifications are of this report" in one.pages["quality.html"].text
    assert whole.tables["table-accounting"] == one.tables["table-accounting"]


def test_every_table_of_every_report_explains_itself(published: Path) -> None:
    """Each report has the same tables as that of all leads, with comments of tables and columns."""
    rows = runs.ask(
        published,
        "select schema_name, table_name, column_name, comment from duckdb_columns()"
        f" where schema_name in ({SCHEMAS}) order by all",
    )
    by_schema = {
        schema: {(r["table_name"], r["column_name"], r["comment"]) for r in rows if r["schema_name"] == schema}
        for schema in SCHEMAS.replace("'", "").split(", ")
    }
    assert 1 == len({frozenset(each) for each in by_schema.values()})
    assert [] == [row for row in rows if row["comment"] is None]
    assert [{"report": "all", "dimension": "all", "dimension_value": "all"}] == runs.ask(
        published, "from waterfall.report_filter"
    )


def test_the_report_of_all_leads_is_the_same_with_and_without_others(published: Path, quarter: Sample) -> None:
    """Reports of one value change no number of the report of all leads."""
    assert contents(quarter.output, "'marts', 'quality', 'report'") == contents(
        published, "'marts', 'quality', 'report'"
    )


def test_threads_selections_and_a_rewritten_report_change_no_byte(toml: Path, published: Path, tmp_path: Path) -> None:
    """Pages and rows of every report are the same with one or four threads, after a selection, and after `funnel report`."""
    pages, rows = _pages(published), contents(published, SCHEMAS)
    runs.run(toml, tmp_path, as_of=runs.QUARTER_AS_OF, threads=4)
    assert pages == _pages(tmp_path)
    assert rows == contents(tmp_path, SCHEMAS)
    runs.run(toml, tmp_path, as_of=runs.QUARTER_AS_OF, select="report.headline marts.conversion", threads=1)
    assert pages == _pages(tmp_path)
    assert rows == contents(tmp_path, SCHEMAS)
    run.report_again(runs.options(toml, tmp_path, as_of=runs.QUARTER_AS_OF))
    assert pages == _pages(tmp_path)
    assert run_folder.current(tmp_path) is not None


def _pages(output: Path) -> dict[str, bytes]:
    folder = output / "reports"
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.html"))}
