"""The page reports leads out of scope and inferred entries."""

from __future__ import annotations

from datetime import datetime

from pipeline.waterfall.definition import Condition, ScopeRule
from tests.report.test_edges import entries, site_of, waterfall

OURS = ScopeRule("ours", "leads", Condition("email", "matches", ("@us",)), "Our own people.")
LEADS = [{"input": "leads", "load_no": 2, "row_number": 1, "lead_id": "L1", "email": "ida@us.example"}]


def test_leads_out_of_scope_are_reported_by_rule() -> None:
    """The page has the rule, its reason, leads and rows, which are in no other count."""
    rows = {"stage_entries": entries(("L1", "a", 1), ("L1", "b", 2), ("L2", "a", 3)), "leads": LEADS}
    _, page = site_of(waterfall(scope=(OURS,)), rows)
    assert [["ours", "Our own people.", "1", "2"]] == page.tables["table-scope"][1:]
    (history,) = [row for row in page.tables["table-accounting"][1:] if row[0].startswith("history")]
    assert ["3", "1", "0", "0", "2"] == history[2:7]


def test_without_rules_nothing_is_reported() -> None:
    """Without [[scope]] the page has no empty table."""
    _, page = site_of(waterfall(), {"stage_entries": entries(("L1", "a", 1)), "leads": LEADS})
    assert "table-scope" not in page.tables


def test_inferred_entries_are_counted_and_reported() -> None:
    """The page has the number of entries without a row of history, and no sentence if there are none."""
    created = [{**LEADS[0], "created_stage": "A", "created_at": datetime(2026, 1, 1)}]
    rows = {"stage_entries": entries(("L2", "a", 3)), "leads": created}
    sentence = "1 lead with an entry at creation that no row of history has: it is inferred."
    html, _ = site_of(waterfall(entry_at_creation=True), rows)
    silent, _ = site_of(waterfall(), rows)
    assert (True, False) == (sentence in html, sentence in silent)
