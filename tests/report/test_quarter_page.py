"""The pages of the worked quarter equal the database, and no link leads outside."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.explore import query
from tests import runs
from tests.report import gold, reading


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quarter")
    gold.quarter(folder)
    return folder


@pytest.fixture(scope="module")
def htmls(output: Path) -> dict[str, str]:
    return {name: page.decode("utf-8") for name, page in gold.pages(output / "reports").items()}


@pytest.fixture(scope="module")
def page(htmls: dict[str, str]) -> reading.ReadSite:
    return reading.read_site(htmls)


def test_the_pages_equal_the_golden_files(output: Path) -> None:
    """The pages equal the golden files byte for byte; `make gold` writes them."""
    assert gold.pages(gold.GOLD) == gold.pages(output / "reports")


def test_every_query_gives_the_printed_row(page: reading.ReadSite, output: Path) -> None:
    """Every printed query runs on the published file, and its first row equals the page."""
    connection = query.open_published(output)
    wrong = reading.failing_queries(page, connection)
    connection.close()
    assert len(page.queries) > 20
    assert [] == wrong


def test_headline_counts_equal_the_marts(page: reading.ReadSite, output: Path) -> None:
    """The outcomes of each pair add up to marts.conversion for the unit cycle and all time."""
    expected = []
    for to_stage in ("sal", "sql"):
        rows = runs.ask(
            output,
            f"""
            select entered, converted, passed_over, lost, still_open
            from marts.conversion
            where unit = 'cycle' and grain = 'all' and dimension = 'all' and window_days is null
                and from_stage = 'mql' and to_stage = '{to_stage}'
            """,
        )
        expected += [tuple(row.values()) for row in rows]
    shown_rows = [tuple(page.outcomes(number)) for number in (1, 2)]
    assert expected == shown_rows
    assert all(entered == sum(fates) for entered, *fates in expected)


def test_the_sla_table_equals_the_mart(page: reading.ReadSite, output: Path) -> None:
    """Met, breached, open within and open overdue of every stage with an SLA equal marts.sla."""
    rows = runs.ask(
        output,
        """
        select stages.label, sla.met, sla.breached, sla.open_within, sla.open_overdue
        from marts.sla as sla
        inner join waterfall.stages as stages on stages.stage = sla.stage
        where sla.grain = 'all' and sla.dimension = 'all'
        order by stages.stage_no
        """,
    )
    shown_rows = [(row[0], *(reading.plain(cell) for cell in row[2:6])) for row in page.tables["table-limits"][1:]]
    assert [tuple(row.values()) for row in rows] == shown_rows


def test_the_flow_table_equals_the_mart(page: reading.ReadSite, output: Path) -> None:
    """Opening, in, out and closing of every stage equal marts.stage_flow, and they balance."""
    rows = runs.ask(
        output,
        """
        select stages.label, flow.opening, flow.ins, flow.outs, flow.closing
        from marts.stage_flow as flow
        inner join waterfall.stages as stages on stages.stage = flow.stage
        where flow.grain = 'all' and flow.dimension = 'all'
        order by stages.stage_no
        """,
    )
    expected = [tuple(row.values()) for row in rows]
    shown_rows = [(row[0], *(reading.plain(cell) for cell in row[1:5])) for row in page.tables["table-flow-all"][1:]]
    assert expected == shown_rows
    assert ["✓"] * len(shown_rows) == [row[5] for row in page.tables["table-flow-all"][1:]]
    assert all(opening + ins - outs == closing for _, opening, ins, outs, closing in shown_rows)


def test_the_closing_of_a_month_is_the_next_opening(page: reading.ReadSite) -> None:
    """This is so in the months of every stage."""
    for name, table in page.tables.items():
        if name.startswith("table-flow-") and name != "table-flow-all":
            closings = [row[4] for row in table[1:]]
            openings = [row[1] for row in table[1:]]
            assert closings[:-1] == openings[1:], name


def test_row_accounting_adds_up(page: reading.ReadSite) -> None:
    """Rows read are the sum of kept, repeats, duplicates, redelivered, after as-of, out of scope and rejected."""
    for row in page.tables["table-accounting"][1:]:
        read, *parts = (reading.plain(cell) for cell in row[2:10])
        assert read == sum(parts)


def test_no_page_refers_to_the_outside(htmls: dict[str, str], page: reading.ReadSite) -> None:
    """There is no script, no remote address and no link out of the folder."""
    for name, html in htmls.items():
        read = page.pages[name]
        assert "script" not in read.tags
        assert "http" not in html.replace("http://www.w3.org/2000/svg", "")
        assert not {name for _, name, _ in read.attributes if name.startswith("on") or name in ("src", "srcset")}
        assert "@import" not in html
        assert {"url(#hatch)"} == {part.split(")")[0] + ")" for part in html.split("fill: ") if part.startswith("url(")}


def test_links_resolve(page: reading.ReadSite) -> None:
    """Every link has a target page and, with a fragment, a target id; no id is twice on a page."""
    assert [] == page.dead_links()
    assert all(len(set(each.ids)) == len(each.ids) for each in page.pages.values())


def test_every_page_is_linked_from_every_page(page: reading.ReadSite) -> None:
    """The navigation of each page has all pages."""
    assert all(set(page.pages) <= set(each.links) for each in page.pages.values())


def test_headings_are_in_order(page: reading.ReadSite) -> None:
    """A page has one h1, and no level is skipped."""
    for name, each in page.pages.items():
        assert 1 == each.headings.count(1), name
        steps = list(zip(each.headings, each.headings[1:], strict=False))
        assert [] == [(above, below) for above, below in steps if below > above + 1], name


def test_every_chart_has_a_description(page: reading.ReadSite) -> None:
    """The description says what the chart shows."""
    attributes = [each for read in page.pages.values() for each in read.attributes]
    roles = [value for tag, name, value in attributes if tag == "svg" and name == "role"]
    descriptions = [value for tag, name, value in attributes if tag == "svg" and name == "aria-label"]
    assert roles == ["img"] * len(descriptions)
    assert all(descriptions)


def test_no_page_has_a_python_value(page: reading.ReadSite, output: Path) -> None:
    """No page has None, nan or a path of the machine."""
    assert [] == re.findall(r"\b(?:None|nan|inf|True|False)\b", page.text)
    assert str(output) not in page.text


def test_rejected_rows_are_listed_without_their_text(page: reading.ReadSite, output: Path) -> None:
    """The page has the number of a rejected row; only the database has its text."""
    originals = [row["original"] for row in runs.ask(output, "select original from quality.rejected_rows")]
    assert 3 == len(originals)
    assert [] == [original for original in originals if original in page.text]
