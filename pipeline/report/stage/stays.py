"""Stays in one stage: by length, and medians by month of exit."""

from __future__ import annotations

from pipeline.database.connection import quoted
from pipeline.report import text
from pipeline.report.layout.bars import Part, bars
from pipeline.report.layout.table import Cell, Table, TableColumn, number, table
from pipeline.report.query import Report, Row


def stay_lengths(report: Report, stage: Row) -> Table | None:
    """Return ended and open stays by length class; None for a stage without stays."""
    answer = report.rows(
        "report.stay_lengths", "stays", where=f"stage = {quoted(stage.stage)}", order="basis, class_no"
    )
    if not any(row.stays for row in answer.rows):
        return None
    ended = [row for row in answer.rows if row.basis == "completed"]
    open_of = {row.class_no: row for row in answer.rows if row.basis == "open"}

    def part(tone: str, row: Row) -> list[Part]:
        return [(tone, row.stays, f"{row.class_label}: {text.plural(row.stays, 'stay')}, {text.rate(row.share)}")]

    def length(row: Row) -> Cell:
        return Cell(row.class_label, note=f"here is its limit, {stage.sla_text}" if holds_limit(row) else "")

    return table(
        ended,
        (
            TableColumn("Length", "", length, "text"),
            number("Stays that ended", "stays"),
            number("Share", "share", text.rate),
            bars("Ended", lambda row: part("through", row), max(row.stays for row in ended)),
            TableColumn("Open, by age", "", lambda row: text.count(open_of[row.class_no].stays)),
            TableColumn("Share", "", lambda row: text.rate(open_of[row.class_no].share)),
            bars(
                "Open",
                lambda row: part("open", open_of[row.class_no]),
                max(row.stays for row in open_of.values()),
            ),
        ),
        caption=f"{stage.label}: stays by length, completed and open ones apart",
        source=report.source(answer, also="each bar has its own scale"),
        key=f"lengths-{stage.stage_no}",
    )


def holds_limit(row: Row) -> bool:
    """Return whether the limit of the stage lies in a class of length; false for a limit in business hours."""
    if row.limit_seconds is None:
        return False
    return bool(
        row.from_seconds < row.limit_seconds and (row.to_seconds is None or row.limit_seconds <= row.to_seconds)
    )


def months_of_exit(report: Report, stage: Row) -> Table | None:
    """Return the median time of stays that ended in each month; None if none ended lately."""
    answer = report.rows(
        "report.stage_time_months", "completed", where=f"stage = {quoted(stage.stage)}", order="month_start"
    )
    longest = max((row.median_days or 0 for row in answer.rows), default=0)
    if all(row.median_days is None for row in answer.rows):
        return None
    return table(
        reversed(answer.rows),
        (
            TableColumn("Month", "", lambda row: text.period(row.month_start, row.is_partial), "text"),
            number("Stays that ended", "completed"),
            number("Median", "median_days", text.days),
            bars("Median", lambda row: [("through", row.median_days or 0, text.days(row.median_days))], longest),
        ),
        caption=f"{stage.label}: how long those had stayed who left in the month",
        source=report.source(answer),
        key=f"time-months-{stage.stage_no}",
    )
