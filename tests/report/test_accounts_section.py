"""The section of accounts: leads per account by month, and people known on arrival."""

from __future__ import annotations

import re
from typing import Any

from tests.report.test_edges import entries, site_of, waterfall

ACCOUNTS = {"L1": "Acme", "L2": "Acme", "L3": "Acme", "L4": "Beta", "L5": None}
# January: Acme arrives at B, Beta has one lead. February: two more leads of Acme, and Acme reaches C with three people known.
MOVES = (
    ("L1", "a", 1), ("L1", "b", 3), ("L4", "a", 4), ("L4", "b", 5), ("L5", "a", 6),
    ("L2", "a", 35), ("L3", "a", 36), ("L3", "b", 38), ("L3", "c", 40),
)  # fmt: skip


def rows(accounts: dict[str, str | None]) -> dict[str, Any]:
    leads = [
        {"input": "leads", "load_no": 2, "row_number": number, "lead_id": lead_id, "account_id": account_id}
        for number, (lead_id, account_id) in enumerate(accounts.items(), 1)
    ]
    return {"stage_entries": entries(*MOVES), "leads": leads}


def test_people_known_on_arrival() -> None:
    """Acme counts at B with one person, although two arrived there, and at C with three (A4)."""
    _, page = site_of(waterfall(), rows(ACCOUNTS))
    assert [
        ["A", "2", "2", "0", "0", "0", "1", "2"],
        ["B", "2", "2", "0", "0", "0", "1", "1.5"],
        ["C", "1", "0", "0", "1", "0", "3", "1"],
    ] == page.tables["table-depth-path"][1:]
    assert "Median of the leads known when the account arrived: 1 at A and B; 3 at C." in page.text


def test_ratio_by_month_with_both_references() -> None:
    """Each stage has a line over the months with accounts; the chart has the lines 1:1 and 5:1 (A1)."""
    html, page = site_of(waterfall(), rows(ACCOUNTS))
    section = html[html.index('class="strips ratio-months"') : html.index('class="strips depth-path"')]
    drawings = re.findall(r"<svg class=\"draw [^>]*aria-label=\"([^\"]*)\">(.*?)</div>", section)
    thin = "\u202f"
    assert [
        f"A, leads per account by month: 1.00{thin}:{thin}1 in Jan 2026, 2.00{thin}:{thin}1 in Mar 2026",
        f"B, leads per account by month: 1.00{thin}:{thin}1 in Jan 2026, 1.50{thin}:{thin}1 in Mar 2026",
        f"C, leads per account by month: 1.00{thin}:{thin}1 in Feb 2026, 1.00{thin}:{thin}1 in Mar 2026",
    ] == [says for says, _ in drawings[:3]]
    assert [2, 2, 2] == [shapes.count('<line class="reference"') for _, shapes in drawings[:3]]
    assert [3, 3, 2] == [shapes.count('class="d-rate"') for _, shapes in drawings[:3]]
    assert [2.0, 1.5, 1.0] == [float(row.split(thin)[0]) for row in page.tables["table-ratio-months"][1][1:]]


def test_without_accounts_there_is_no_picture() -> None:
    """If no lead has an account, neither months nor depths are drawn."""
    _, page = site_of(waterfall(), rows(dict.fromkeys(ACCOUNTS)))
    assert {"table-depth-path", "table-ratio-months"} & set(page.tables) == set()
