"""T5: The list of open leads has the start of the wait as a day of the waterfall's zone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from tests.report.test_edges import entries, site_of, waterfall


def test_since_is_a_local_day() -> None:
    """03:00 UTC of the 10th is the 9th in New York, and the 10th in UTC."""
    rows = {"stage_entries": [{**entries(("L1", "a", 1))[0], "entered_at": datetime(2026, 1, 10, 3)}]}
    for zone, day in (("America/New_York", "2026-01-09"), ("UTC", "2026-01-10")):
        _, page = site_of(replace(waterfall(), timezone=zone), rows)
        assert [["L1", "–", "A", day]] == [row[:4] for row in page.tables["table-owner-1"][1:]]
