"""The expected final rate of open cohorts, and how earlier estimates compare with the outcome (K6)."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.report import answers, text
from pipeline.report.layout.table import Cell, Table, TableColumn, number, table
from pipeline.report.query import Report, Row

EXPECTED_COVERAGE = "about 95% is expected"
HINT = "share expected to have converted when nobody of the month is open any more"
MEANING = (
    "expected: the expected final rate, what a month that is not final yet will come to when none of it is open any more, with "
    "its 95% interval; see Definitions."
)


def estimate(cohort: Row) -> str:
    """Return `41.0% (36.2–47.0%)`; a dash if there is no estimate."""
    if cohort.settled_estimate is None:
        return text.DASH
    return f"{text.rate(cohort.settled_estimate)} ({text.interval(cohort.settled_low, cohort.settled_high)})"


def cell(cohort: Row) -> Cell:
    """Return the expected final rate of a month with its interval; a dash for a final month."""
    if cohort.settled_estimate is None:
        return Cell(text.DASH, "none")
    return Cell(text.rate(cohort.settled_estimate), note=text.interval(cohort.settled_low, cohort.settled_high))


def sentence(records: Sequence[Row]) -> str:
    """Return how many past intervals contained the outcome, and whether they are too narrow."""
    estimates = sum(each.estimates for each in records)
    if not estimates:
        return "No past estimate can be judged yet."
    inside = sum(each.held for each in records)
    share = f"{text.rate(inside / estimates)}; {EXPECTED_COVERAGE}"
    words = f"Of {text.plural(estimates, 'past estimate')} {text.count(inside)} held what came ({share})."
    if any(each.is_too_narrow for each in records):
        words += " That is too few for chance: read the interval as too narrow."
    return words


def record(report: Report) -> Table | None:
    """Return past estimates against outcomes, one row per headline pair.

    None without headline pairs and in the report of one dimension value.
    """
    answer = answers.expected_rate_record(report)
    if not answer.rows or not report.is_all:
        return None
    return table(
        answer.rows,
        (
            TableColumn("Pair", "", lambda row: f"{row.from_label} → {row.to_label}", "text"),
            number("Judged", "estimates", hint="estimates of cohorts with open units then that are final now"),
            number("Held", "held", hint="what came lay inside the 95% interval"),
            TableColumn(
                "Share",
                "held_share",
                lambda row: Cell(text.rate(row.held_share), note="too few for chance" if row.is_too_narrow else ""),
            ),
            TableColumn(
                "95% interval", "held_low", lambda row: Cell(text.interval(row.held_low, row.held_high), "quiet")
            ),
            number("Fewer came", "below"),
            number("More came", "above"),
            number("Came − estimate, mean", "mean_miss", text.points),
            TableColumn("Given between", "", _between, "text"),
        ),
        caption="Expected final rates of past ends of a month, against the outcome",
        source=report.source(answer),
        notes=(
            sentence(answer.rows),
            "Estimates of one month share a curve, and those of one cohort its units.",
        ),
        key="settled-record",
    )


def _between(row: Row) -> str:
    return f"{text.day(row.first_date)} to {text.day(row.last_date)}" if row.estimates else text.DASH
