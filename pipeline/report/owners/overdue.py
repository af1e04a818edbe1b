"""The page of overdue leads: one list, longest overdue first, for the meeting."""

from __future__ import annotations

from typing import Any

from pipeline.report import links, text
from pipeline.report.layout.table import table
from pipeline.report.owners.open_leads import LEAD_COLUMNS, OWNER, STAGE
from pipeline.report.query import Report

MAX_LEADS = 200
"""Leads on the page. The data file has all of them."""


def overdue_page(report: Report) -> dict[str, Any]:
    """Return the overdue leads, longest overdue first."""
    overdue = report.overview.overdue
    answer = report.rows(
        "report.stuck_leads",
        "lead_position",
        where="sla_state = 'open_overdue'",
        order="overdue_hours desc, lead_id",
        max_rows=MAX_LEADS,
    )
    shown = f" The first {text.count(MAX_LEADS)} are here, all are in the data file." if overdue > MAX_LEADS else ""
    return {
        "key": "overdue",
        "heading": "Longest overdue first",
        "sentence": f"{text.plural(overdue, 'lead is', 'leads are')} past the limit of the stage.{shown}"
        if overdue
        else "No lead is past the limit of its stage.",
        "leads": table(
            answer.rows,
            (*LEAD_COLUMNS[:2], STAGE, OWNER, *LEAD_COLUMNS[2:]),
            caption="Overdue leads",
            source=report.source(answer),
            key="overdue",
        ),
        "links": ((links.data_anchor("stuck_leads"), "Open leads as CSV"), (links.OWNERS, "By owner")),
    }
