"""The page of owners: SLA results, and open leads by owner."""

from __future__ import annotations

from typing import Any

from pipeline.report.owners.open_leads import open_leads
from pipeline.report.owners.sla import sla_section
from pipeline.report.query import Report


def owners_page(report: Report) -> dict[str, Any]:
    """Return what the page of owners shows."""
    return {"sla": sla_section(report), "open_leads": open_leads(report)}
