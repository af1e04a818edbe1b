"""Messages about the run on the index page and in the mail."""

from __future__ import annotations

from datetime import date

from pipeline.report import answers, text
from pipeline.report.layout.table import Notice
from pipeline.report.overview import variant
from pipeline.report.quality import history_coverage
from pipeline.report.query import Answer, Report, Row

MAX_QUIET_REJECTED = 0.02
"""Share of rejected rows of a delivery above which the index warns above the rates."""


def _deliveries(report: Report) -> Answer:
    return report.rows("quality.newest_deliveries", "rejected", order="input_no")


def _rejected(newest: Row, report: Report) -> str:
    """Return the rejected rows of the newest delivery in words.

    Rows that a new alias accepted since then are not counted.
    """
    unknown = newest.unknown_stage
    because = f", {text.count(unknown)} of them for a stage that no alias names" if unknown else ""
    counts = f"{text.count(newest.rejected)} of {text.plural(newest.rows_read, 'row')}"
    verb = "is" if newest.rejected == 1 else "are"
    return f"{_of_all(report)}{newest.input}: {counts} of the newest delivery {verb} rejected{because}."


def _empty_report(report: Report) -> str:
    if report.is_all:
        return "No stage entry has been delivered yet, so there is nothing to count."
    return f"No lead has {variant.filter_text(report)}, so there is nothing to count."


def open_month(report: Report) -> date | None:
    """Return the first day of the month that contains as-of; None if as-of is its last second."""
    return next((row.month_start for row in answers.lead_balance(report).rows if row.is_partial), None)


def warnings(report: Report, stale: tuple[str, ...]) -> tuple[Notice, ...]:
    """Return the messages that change how the rates are read; they stand above them. It names the `stale` inputs first."""
    total = report.overview
    said = [Notice("warn", f"{each}. Newer numbers are not in here.") for each in stale]
    if total.entries == 0:
        said.append(Notice("warn", _empty_report(report)))
    if total.unit == "account" and total.leads and not total.accounts:
        said.append(Notice("warn", "The unit is the account, and no lead names one: the headline counts nothing."))
    said += [
        Notice("warn", _rejected(newest, report))
        for newest in _deliveries(report).rows
        if newest.rejected > MAX_QUIET_REJECTED * newest.rows_read
    ]
    return tuple(said)


def notices(report: Report, notes: tuple[str, ...]) -> tuple[Notice, ...]:
    """Return all other messages. `notes` are warnings of the run, which are counted."""
    total = report.overview
    said = []
    if open_month(report) and total.entries:
        said.append(
            Notice(
                "info",
                f"{text.month(open_month(report))} is not over: its numbers will still grow, and wherever it stands it is "
                f"marked{text.PARTIAL_SUFFIX}, on the axis of a chart {text.PARTIAL_SIGN}.",
            )
        )
    said += [
        Notice("warn", _rejected(newest, report))
        for newest in _deliveries(report).rows
        if 0 < newest.rejected <= MAX_QUIET_REJECTED * newest.rows_read
    ]
    said += history_coverage.notices(report)
    if total.not_yet:
        rows = text.plural(total.not_yet, "row is", "rows are")
        said.append(Notice("info", f"{_of_all(report)}{rows} dated after as-of and not counted yet."))
    if notes:
        said.append(Notice("warn", f"The run left {text.plural(len(notes), 'note')}."))
    return tuple(said)


def _of_all(report: Report) -> str:
    return "" if report.is_all else "Of all leads: "
