"""The leads that are in a stage now, longest first."""

from __future__ import annotations

from pipeline.database.connection import quoted
from pipeline.report.layout.table import Table, more_rows, table
from pipeline.report.owners.open_leads import LEAD_COLUMNS, OWNER
from pipeline.report.query import Report, Row

MAX_LEADS_SHOWN = 10
"""Leads listed. The printed query lists all of them."""


def leads_here_now(report: Report, stage: Row) -> Table | None:
    """Return the leads that wait in a stage; None if nobody waits there."""
    here = f"stage = {quoted(stage.stage)}"
    answer = report.rows(
        "report.stuck_leads",
        "lead_position",
        where=here,
        order="age_days desc, lead_id",
        max_rows=MAX_LEADS_SHOWN,
    )
    if not answer.rows:
        return None
    ((leads,),) = report.fetch(f"select count(*) from report.stuck_leads where {report.filter.condition} and {here}")
    return table(
        answer.rows,
        (*LEAD_COLUMNS[:2], OWNER, *LEAD_COLUMNS[2:]),
        caption=f"Who is in {stage.label} now, longest first",
        source=report.source(answer),
        notes=more_rows(leads - len(answer.rows)),
        key=f"here-{stage.stage_no}",
    )
