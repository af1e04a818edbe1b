"""The page of arrivals that skipped a stage: the list behind the action."""

from __future__ import annotations

from typing import Any

from pipeline.report import links, text
from pipeline.report.layout.table import table, word
from pipeline.report.owners.overdue import MAX_LEADS
from pipeline.report.query import Report


def skipped_page(report: Report) -> dict[str, Any]:
    """Return the arrivals that the action counts, newest first."""
    answer = report.rows("report.skipped_arrivals", "arrival_position", order="arrival_position", max_rows=MAX_LEADS)
    ((arrivals,),) = report.fetch(f"select count(*) from report.skipped_arrivals where {report.filter.condition}")
    page = {"key": "skipped", "heading": "Newest first"}
    if not arrivals:
        nothing = "No stage is skipped so often that an action follows from it."
        return page | {"sentence": nothing, "leads": None, "links": ()}
    shown = " The newest are here, all are in the data file." if arrivals > MAX_LEADS else ""
    return page | {
        "sentence": f"{text.plural(arrivals, 'arrival')} at {answer.rows[0].stage_label} without the stage before.{shown}",
        "leads": table(
            answer.rows,
            (
                word("Lead", "lead_id", tone="id"),
                word("Account", "account_id", tone="id"),
                word("Arrived", "arrived_date", text.day),
                word("Began at", "began_at"),
                word("Owner", "owner"),
                word("Source", "lead_source"),
                word("Now in", "current_stage"),
            ),
            caption="Arrivals that skipped a stage",
            source=report.source(answer),
            key="skipped",
        ),
        "links": ((links.data_anchor("skipped_arrivals"), "All as CSV"),),
    }
