"""What the page says of accounts that leads found by a domain (A2)."""

from __future__ import annotations

from typing import Any

from tests.report.test_edges import entries, site_of, waterfall

ACCOUNTS = [{"input": "accounts", "load_no": 3, "row_number": 1, "account_id": "A1", "domain": "acme.com"}]
GIVEN = ({"account_id": "A1"}, {"email": "bo@acme.com"}, {"email": "cy@gmail.com"}, {})
LEADS = [
    {"input": "leads", "load_no": 2, "row_number": number, "lead_id": f"L{number}"} | given
    for number, given in enumerate(GIVEN, 1)
]


def page(leads: list[dict[str, Any]], **more: Any) -> Any:
    """The page of four leads in one stage."""
    rows = entries(*((lead["lead_id"], "a", 3) for lead in LEADS))
    _, read = site_of(waterfall(**more), {"stage_entries": rows, "leads": leads, "accounts": ACCOUNTS})
    return read


def test_how_leads_came_to_their_account_is_reported() -> None:
    """Given, found, and why not: each with leads and share; the address itself is nowhere."""
    told = page(LEADS)
    thin = chr(0x202F)
    assert [
        ["yes", "given by an input", "1", f"25.0{thin}%"],
        ["yes", "found by the domain of the e-mail", "1", f"25.0{thin}%"],
        ["none", "a free mailbox", "1", f"25.0{thin}%"],
        ["none", "neither e-mail nor website has a domain", "1", f"25.0{thin}%"],
    ] == told.tables["table-account-matching"][1:]
    assert "1 lead found the account by a domain." in told.text
    assert "acme.com" not in told.text


def test_matching_turned_off_is_reported() -> None:
    """Anyone who turned it off can see that the leads were not looked for, and nothing was found."""
    told = page(LEADS, match_domains=False)
    words = [row[1] for row in told.tables["table-account-matching"][1:]]
    assert ["given by an input", "not looked for: matching is off, or no account has a domain"] == words
    assert "found the account by a domain" not in told.text
