"""The page of owners: SLA results, and open leads by owner."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.report.owners.open_leads import OpenLeads, open_leads
from pipeline.report.owners.sla import SlaSection, sla_section
from pipeline.report.query import Report


@dataclass(frozen=True)
class OwnersPage:
    """SLA results and open leads by owner."""

    sla: SlaSection
    open_leads: OpenLeads


def owners_page(report: Report) -> OwnersPage:
    """Return the page of owners."""
    return OwnersPage(sla_section(report), open_leads(report))
