"""The page shows which personas are known at accounts, those with most accounts first, unknown last."""

from __future__ import annotations

from typing import Any

from pipeline.waterfall.definition import Condition, PersonaRule
from tests.report.test_edges import entries, site_of, waterfall

MOVES = (
    ("L1", "a", 1),
    ("L2", "a", 2),
    ("L2", "b", 3),
    ("L3", "a", 4),
    ("L4", "a", 5),
    ("L4", "b", 6),
    ("L5", "a", 80),
)


def rows(personas: tuple[str | None, ...]) -> dict[str, Any]:
    accounts = ("Acme", "Acme", "Beta", "Coy", "Coy")
    leads = [
        {
            "input": "leads",
            "load_no": 2,
            "row_number": no,
            "lead_id": f"L{no}",
            "account_id": account,
            "persona": persona,
        }
        for no, (account, persona) in enumerate(zip(accounts, personas, strict=True), 1)
    ]
    return {"stage_entries": entries(*MOVES), "leads": leads}


def test_shares_of_accounts_by_persona() -> None:
    """Acme and Coy are at B: the buyer of Coy came after Coy's arrival, so she is known only now (A5)."""
    _, page = site_of(waterfall(), rows(("user", "user", "user", None, "buyer")))
    assert [
        ["user", "100%", "50.0%", "–"],
        ["buyer", "0%", "50.0%", "–"],
        ["(none)", "0%", "50.0%", "–"],
    ] == page.tables["table-personas-now"][1:]
    assert [
        ["user", "66.7%", "50.0%", "–"],
        ["buyer", "0%", "0%", "–"],
        ["(none)", "33.3%", "50.0%", "–"],
    ] == page.tables["table-personas-arrived"][1:]


def test_without_personas_there_is_no_table() -> None:
    """If no lead has a persona, the page has no table of dashes."""
    _, page = site_of(waterfall(), rows((None,) * 5))
    assert [name for name in page.tables if "persona" in name] == []


def test_a_rule_without_leads_is_shown() -> None:
    """The author of a rule can see that it matches no lead."""
    rule = PersonaRule("legal", Condition("title", "matches", ("(?i)counsel",)))
    _, page = site_of(waterfall(personas=(rule,)), rows((None,) * 5))
    assert ["legal", "0%", "0%", "–"] == page.tables["table-personas-now"][1]
