"""The page shows how leads were matched to accounts by a domain (A2)."""

from __future__ import annotations

from typing import Any

from tests.report.test_edges import entries, site_of, waterfall

ACCOUNTS = [{"input": "accounts", "load_no": 3, "row_number": 1, "account_id": "A1", "domain": "acme.com"}]
GIVEN = ({"account_id": "A1"}, {"email": "bo@acme.com"}, {"email": "cy@gmail.com"}, {})
LEADS = [
    {"input": "leads", "load_no": 2, "row_number": number, "lead_id": f"L{number}"} | attributes
    for number, attributes in enumerate(GIVEN, 1)
]


def page(leads: list[dict[str, Any]], **more: Any) -> Any:
    """The parsed pages of four leads in one stage."""
    rows = entries(*((lead["lead_id"], "a", 3) for lead in LEADS))
    _, read = site_of(waterfall(**more), {"stage_entries": rows, "leads": leads, "accounts": ACCOUNTS})
    return read


def test_the_page_has_the_account_matching_of_leads() -> None:
    """Each kind of match, and each reason for none, has leads and share; no page has an address."""
    site = page(LEADS)
    assert [
        ["yes", "given by an input", "1", "25.0%"],
        ["yes", "found by the domain of the e-mail", "1", "25.0%"],
        ["none", "a free mailbox", "1", "25.0%"],
        ["none", "neither e-mail nor website has a domain", "1", "25.0%"],
    ] == site.tables["table-account-matching"][1:]
    assert "1 lead found the account by a domain." in site.text
    assert "acme.com" not in site.text


def test_matching_turned_off_is_reported() -> None:
    """If matching is off, the page says so, and no lead is matched."""
    site = page(LEADS, match_domains=False)
    words = [row[1] for row in site.tables["table-account-matching"][1:]]
    assert ["given by an input", "not looked for: matching is off, or no account has a domain"] == words
    assert "found the account by a domain" not in site.text
