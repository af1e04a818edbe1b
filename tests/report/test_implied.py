"""The comparison with implied dates on the page (E9): labelled, equal to the database, and only if it is configured."""

from __future__ import annotations

from pipeline.report.outputs import html
from pipeline.waterfall.definition import Group, Pair
from tests.report import reading
from tests.report.test_edges import AS_OF, PATH, entries, site_of, waterfall
from tests.sql.harness import built, records

LABEL = "Comparison with implied dates: not a number of this report"
MOVES = (
    ("L1", "a", 1),
    ("L1", "c", 5),
    ("L2", "a", 2),
    ("L2", "b", 3),
    ("L3", "a", 4),
    ("L4", "b", 6),
    ("L4", "lost", 7),
)


def test_the_comparison_equals_the_database() -> None:
    """Counts of both sides equal report.implied_comparison; L1, which skipped B, is in B on one side only."""
    definition = waterfall(PATH, headline=(Pair("a", "b"),), implied=True)
    connection = built(definition, AS_OF, {"stage_entries": entries(*MOVES)})
    htmls = html.render_site(connection)
    columns = "entered, converted, passed_over, lost, still_open"
    expected = records(connection, f"select {columns} from report.implied_comparison order by shown_no, basis")
    connection.close()
    page = reading.read_site(htmls)
    assert LABEL in page.text
    shown_counts = [tuple(reading.plain(cell) for cell in row[2:7]) for row in page.tables["table-implied"][1:]]
    assert [tuple(row.values()) for row in expected] == shown_counts
    assert [(3, 1, 1, 0, 1), (3, 2, 0, 0, 1), (2, 0, 0, 1, 1), (3, 1, 0, 1, 1)] == shown_counts


def test_rates_and_their_difference_are_printed() -> None:
    """A to B is 1 of 3 as observed and 2 of 3 with implied dates: 33.3 points more."""
    _, page = site_of(waterfall(PATH, headline=(Pair("a", "b"),), implied=True), {"stage_entries": entries(*MOVES)})
    observed, with_implied = page.tables["table-implied"][1:3]
    assert ("observed", "33.3%", "–") == (observed[1], observed[7], observed[9])
    assert ("with implied dates", "66.7%") == (with_implied[1], with_implied[7])
    assert "+33.3" in with_implied[9]


def test_without_the_setting_the_page_has_no_comparison() -> None:
    """Without the setting the page has neither the label nor the table."""
    _, page = site_of(waterfall(PATH, headline=(Pair("a", "b"),)), {"stage_entries": entries(*MOVES)})
    assert LABEL not in page.text
    assert "table-implied" not in page.tables


def test_pairs_of_a_group_are_not_compared() -> None:
    """A headline pair from a group has a card, and no row in the comparison."""
    groups = (Group("early", "Early", "Either.", ("a", "b")),)
    definition = waterfall(PATH, groups=groups, headline=(Pair("early", "c"),), implied=True)
    _, page = site_of(definition, {"stage_entries": entries(*MOVES)})
    assert 4 == page.outcomes(1)[0]
    assert ["A → B", "A → B", "B → C", "B → C"] == [row[0] for row in page.tables["table-implied"][1:]]
