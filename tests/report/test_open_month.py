"""V2: the month in which as-of lies is marked wherever the page names it, and no month is when as-of ends one."""

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
"""The month as of, but not a day of it."""


def page_at(as_of: datetime, *moves: tuple[str, str, int]) -> tuple[str, reading.ReadSite]:
    rows: dict[str, list[dict[str, Any]]] = {"stage_entries": entries(*(moves or MOVES)), "leads": ACCOUNTS}
    connection = built(waterfall(headline=(Pair("a", "b"),), windows=(7,), dimensions=("owner",)), as_of, rows)
    htmls = render.render_site(connection)
    connection.close()
    return "".join(htmls.values()), reading.read_site(htmls)


def months_of(page: reading.ReadSite) -> dict[str, list[str]]:
    """First cells of the rows of every table by month."""
    return {
        name: [row[0] for row in table[1:] if re.search(r"^[A-Z][a-z]{2} \d{4}", row[0])]
        for name, table in page.tables.items()
        if table[0][0] == "Month"
    }


@pytest.mark.parametrize("earlier", [timedelta(seconds=1), timedelta(days=10)])
def test_open_month_is_marked_wherever_it_stands(earlier: timedelta) -> None:
    """Tables, captions, axes, tips and what charts say: each mention carries its mark, but that which explains it."""
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
    says = [value for tag, name, value in page.attributes if (tag, name) == ("svg", "aria-label")]
    assert [] != [text for text in says if "at the end of Mar 2026 (so far)" in text]
    assert html.count(">Mar ’26*</text>") >= 6
    assert "* Mar 2026 (so far): the month is not over" in page.text


def test_a_page_that_ends_with_a_month_marks_none() -> None:
    """As of the last second of March, March is as complete as February."""
    html, page = page_at(LAST_SECOND)
    assert "(so far)" not in html
    assert "’26*" not in html
    assert {"Mar 2026"} == {month for months in months_of(page).values() for month in months if "Mar" in month}


def test_a_first_month_that_is_not_over() -> None:
    """Where no month is complete yet, the arrivals of the waterfall are those of the open one, and say so."""
    html, page = page_at(LAST_SECOND - timedelta(days=10), ("L1", "a", 61), ("L1", "b", 62))
    assert "Arrivals at each path stage, Mar 2026 (so far)" in page.text
    said = html.replace("Mar 2026 is not over", "").replace("stage entries since Mar 2026", "")
    assert [] == [found.group() for found in NAMED.finditer(said) if not found["mark"]]
