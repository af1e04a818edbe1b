"""The section of accounts: leads per account by month, and people known on arrival."""

from __future__ import annotations

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
        ["A", "2", "1", "2", "0", "0", "0", "2"],
        ["B", "2", "1", "2", "0", "0", "0", "1.5"],
        ["C", "1", "3", "0", "0", "1", "0", "1"],
    ] == page.tables["table-depth-path"][1:]
    assert "Median of the leads known when the account arrived: 1 at A and B; 3 at C." in page.text


def test_ratio_by_month() -> None:
    """Each stage has its ratio at each month's end, a dash without accounts; the newest month is first (A1)."""
    _, page = site_of(waterfall(), rows(ACCOUNTS))
    ratios = {
        row[0]: [cell.partition("\u202f")[0] for cell in row[1:]] for row in page.tables["table-ratio-months"][1:]
    }
    assert {
        "Mar 2026": ["2.00", "1.50", "1.00"],
        "Feb 2026": ["2.00", "1.50", "1.00"],
        "Jan 2026": ["1.00", "1.00", "–"],
    } == ratios


def test_without_accounts_there_is_no_picture() -> None:
    """If no lead has an account, neither months nor depths are drawn."""
    _, page = site_of(waterfall(), rows(dict.fromkeys(ACCOUNTS)))
    assert {"table-depth-path", "table-ratio-months"} & set(page.tables) == set()
