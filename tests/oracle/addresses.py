"""Which leads have one e-mail address, one lead after the other."""

from __future__ import annotations

from collections import defaultdict

from .durations import Row
from .entries import deletions
from .history import History, record
from .journey import Journey


def shared_addresses(history: History, journey: Journey) -> list[Row]:
    """The rows of quality.shared_addresses."""
    gone = deletions(history)
    leads_of: dict[str, list[str]] = defaultdict(list)
    for lead_id in sorted({span.lead_id for span in journey.spans}):
        address = (record(history, lead_id).get("email") or "").strip().lower()
        if "@" in address:
            leads_of[address].append(lead_id)
    return [
        {
            "lead_id": each[0],
            "examples": each[:5],
            "leads": len(each),
            "deleted": sum(lead_id in gone for lead_id in each),
        }
        for each in leads_of.values()
        if len(each) > 1
    ]
