"""One row per stage: balance, flow, conversion, time and SLA, with the previous month."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.report import links, text
from pipeline.report.layout.table import Cell, Table, TableColumn, table
from pipeline.report.query import Report, Row


def stage_summary(report: Report) -> Table:
    """Return the table of all stages for the index page."""
    answer = report.rows("report.stage_summary", "now", order="stage_no")
    first = answer.rows[0] if answer.rows else None
    month = text.month(first.month_start) if first and first.month_start else "the last complete month"
    before = text.month(first.before_start) if first and first.before_start else "the month before"
    return table(
        answer.rows,
        (
            TableColumn("Stage", "", lambda row: Cell(row.stage_label, link=links.stage_page(row.stage)), "text"),
            TableColumn("There now", "now", lambda row: text.count(row.now)),
            TableColumn(
                "Overdue",
                "overdue",
                lambda row: Cell(text.count(row.overdue), "alert" if row.overdue else ""),
                hint="past the limit of the stage; a dash where it has none",
            ),
            TableColumn("Came in", "ins", _both("ins")),
            TableColumn("Left", "outs", _both("outs")),
            TableColumn("At the month’s end", "closing", _both("closing")),
            TableColumn(
                "To the next stage", "next_rate", _next, hint="conversion of the final monthly cohorts, in all history"
            ),
            TableColumn(
                "Median days",
                "median_days",
                lambda row: Cell(
                    _days(row.median_days, row.completed), note=_days(row.median_days_before, row.completed_before)
                ),
                hint="of the stays that ended in the month",
            ),
        ),
        caption=f"Stage by stage: now, in {month} and, below, in {before}",
        source=report.source(answer),
        key="summary",
    )


def _both(field: str) -> Callable[[Row], Cell]:
    """Return the cell of a count, with that of the month before below it."""
    return lambda row: Cell(text.count(getattr(row, field)), note=text.count(getattr(row, f"{field}_before")))


def _next(row: Row) -> Cell:
    if row.next_label is None:
        return Cell(text.DASH, "none")
    if not row.next_entered:
        return Cell(text.DASH, "none", f"{row.next_label}: nothing final yet")
    return Cell(
        text.rate(row.next_rate),
        note=f"{text.count(row.next_converted)} of {text.count(row.next_entered)} to {row.next_label}",
    )


def _days(median: float | None, completed: int | None) -> str:
    return f"{text.days(median)} of {text.count(completed)}" if completed else text.DASH
