"""V2: the month of as-of is marked wherever the page names it, unless as-of is its end."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipeline.report.outputs import html as render
from pipeline.waterfall.definition import Pair
from tests.report import reading
from tests.report.test_edges import entries, waterfall
from tests.sql.harness import built

LAST_SECOND = datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC)
MOVES = (
    ("L1", "a", 3),
    ("L1", "b", 5),
    ("L2", "a", 20),
    ("L2", "lost", 45),
    ("L3", "a", 60),
    ("L3", "b", 62),
    ("L4", "a", 85),
)
ACCOUNTS = [
    {"input": "leads", "load_no": 2, "row_number": number, "lead_id": f"L{number}", "account_id": "A1"}
    for number in range(1, 5)
]
NAMED = re.compile(r"(?<![0-9] )(?:Mar 2026|Mar ’26)(?P<mark> \(so far\)|\*)?")
"""The month of as-of, but not one of its days."""


def page_at(as_of: datetime, *moves: tuple[str, str, int]) -> tuple[str, reading.ReadSite]:
    rows: dict[str, list[dict[str, Any]]] = {"stage_entries": entries(*(moves or MOVES)), "leads": ACCOUNTS}
    connection = built(waterfall(headline=(Pair("a", "b"),), windows=(7,), dimensions=("owner",)), as_of, rows)
    htmls = render.render_site(connection)
    connection.close()
    return "".join(htmls.values()), reading.read_site(htmls)


def months_of(page: reading.ReadSite) -> dict[str, list[str]]:
    """The first cells of the rows of every table by month."""
    return {
        name: [row[0] for row in table[1:] if re.search(r"^[A-Z][a-z]{2} \d{4}", row[0])]
        for name, table in page.tables.items()
        if table[0][0] == "Month"
    }


@pytest.mark.parametrize("earlier", [timedelta(seconds=1), timedelta(days=10)])
def test_the_incomplete_month_is_marked_everywhere(earlier: timedelta) -> None:
    """Each mention in tables, captions, axes, tips and chart descriptions has the mark, except its explanation."""
    html, page = page_at(LAST_SECOND - earlier)
    mentions = list(NAMED.finditer(html.replace("Mar 2026 is not over", "")))
    assert [] == [html[found.start() - 60 : found.end() + 40] for found in mentions if not found["mark"]]
    tables = months_of(page)
    assert {"table-grid", "table-pair-months-1", "table-balance", "table-limit-months-2", "table-ratio-months"} <= set(
        tables
    )
    assert {"table-flow-1"} <= set(tables)
    for name, months in tables.items():
        assert ["Mar 2026 (so far)"] == [month for month in months if month.startswith("Mar")], name
        assert ["Mar 2026 (so far)"] == [month for month in months if "so far" in month], name
    assert html.count(">Mar ’26*</text>") >= 1
    assert "* Mar 2026 (so far): the month is not over" in page.text


def test_a_page_as_of_the_end_of_a_month_marks_no_month() -> None:
    """As of the last second of March, March is complete."""
    html, page = page_at(LAST_SECOND)
    assert "(so far)" not in html
    assert "’26*" not in html
    assert {"Mar 2026"} == {month for months in months_of(page).values() for month in months if "Mar" in month}


def test_an_incomplete_first_month_is_counted_and_marked() -> None:
    """If no month is complete, the arrivals are those of the incomplete one, with its mark."""
    html, page = page_at(LAST_SECOND - timedelta(days=10), ("L1", "a", 61), ("L1", "b", 62))
    assert "Arrivals at each path stage, Mar 2026 (so far)" in page.text
    other_text = html.replace("Mar 2026 is not over", "").replace("stage entries since Mar 2026", "")
    assert [] == [found.group() for found in NAMED.finditer(other_text) if not found["mark"]]
