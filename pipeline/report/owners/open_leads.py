"""Open leads by owner."""

from __future__ import annotations

from typing import Any

from pipeline.report import text
from pipeline.report.layout.bars import Part, bars
from pipeline.report.layout.table import Cell, Details, TableColumn, more_rows, number, table, word
from pipeline.report.query import Report, Row

MAX_OWNERS_SHOWN = 40
"""Owners whose leads are listed. The table of owners has all of them."""
MAX_LEADS_PER_OWNER = 10
"""Leads listed per owner. The printed query lists all of them."""


def open_leads(report: Report) -> dict[str, Any]:
    """Return the owners with their open leads, most overdue first, and the first leads of each."""
    total = report.overview
    answer = report.rows("report.open_by_owner", "open_leads", order="owner_no")
    owners = answer.rows
    largest = max((owner.open_leads for owner in owners), default=0)
    return {
        "sentence": (
            f"{text.plural(total.open_leads, 'lead')} on the path or on hold; "
            f"{text.count(total.overdue)} of them past the limit of their stage."
            if total.open_leads
            else "No lead is waiting on the path or on hold."
        ),
        "owners": table(
            owners,
            (
                word("Owner", "current_owner"),
                number("Open", "open_leads"),
                TableColumn("Overdue", "overdue", lambda row: alert(row.overdue)),
                number("In a stage without limit", "without_limit"),
                number("Median age", "median_age_days", text.days),
                number("Oldest", "oldest_age_days", text.days),
                bars("Overdue in open", _parts, largest),
            ),
            caption="Open leads by current owner",
            source=report.source(answer),
            key="owners",
        ),
        "details": tuple(_leads(report, owner) for owner in owners[:MAX_OWNERS_SHOWN]),
        "note": f"The leads of {text.plural(len(owners) - MAX_OWNERS_SHOWN, 'more owner')} are in report.stuck_leads."
        if len(owners) > MAX_OWNERS_SHOWN
        else "",
    }


def alert(rows: int) -> Cell:
    """Return a count that stands out unless it is 0."""
    return Cell(text.count(rows), "alert" if rows else "")


def _parts(owner: Row) -> list[Part]:
    rest = owner.open_leads - owner.overdue
    return [
        ("overdue", owner.overdue, f"overdue: {text.count(owner.overdue)}"),
        ("open", rest, f"not overdue: {text.count(rest)}"),
    ]


def _leads(report: Report, owner: Row) -> Details:
    answer = report.rows(
        "report.stuck_leads",
        "lead_position",
        where=f"owner_no = {owner.owner_no}",
        order="lead_position",
        max_rows=MAX_LEADS_PER_OWNER,
    )
    leads = table(
        answer.rows,
        (*LEAD_COLUMNS[:2], STAGE, *LEAD_COLUMNS[2:]),
        caption=f"{text.isolated(owner.current_owner)}: longest overdue first, then oldest",
        source=report.source(answer),
        notes=more_rows(owner.open_leads - len(answer.rows)),
        key=f"owner-{owner.owner_no}",
    )
    note = f"{text.plural(owner.open_leads, 'open lead')}, {text.count(owner.overdue)} overdue"
    return Details(owner.current_owner, leads, is_open=owner.owner_no == 1 and owner.overdue > 0, note=note)


def _overdue_by(row: Row) -> Cell:
    if row.overdue_hours is None:
        return Cell(text.DASH)
    return Cell(text.days(row.overdue_hours / 24), "alert")


LEAD_COLUMNS = (
    word("Lead", "lead_id", tone="id"),
    word("Account", "account_id", tone="id"),
    word("Since", "entered_date", text.day),
    number("Age", "age_days", text.days),
    TableColumn("Limit", "sla_text", lambda row: Cell(row.sla_text or text.DASH, "quiet")),
    TableColumn("Overdue by", "overdue_hours", _overdue_by),
)
STAGE, OWNER = word("Stage", "stage_label"), word("Owner", "current_owner")
