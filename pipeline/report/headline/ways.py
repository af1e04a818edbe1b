"""Other ways to count the headline pairs: other months, no window, and the expected final rate."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.report import answers, text, units
from pipeline.report.conversion import estimate
from pipeline.report.layout.table import Cell, Table, TableColumn, number, table
from pipeline.report.query import Report, Row
from pipeline.report.text import SMALL_SAMPLE

MIN_WINDOW_COVERAGE = 0.9
"""Below this share of the expected conversions within the window, the table has a note."""


def ways_to_count(report: Report, headline_no: int | None = None) -> Table:
    """Return one line per way to count a headline pair; without `headline_no` of all headline pairs."""
    answer = report.rows(
        "report.ways_to_count",
        "entered",
        where="" if headline_no is None else f"headline_no = {headline_no}",
        order="headline_no, way_no",
    )
    many = units.plural(report.overview.unit)
    return table(
        answer.rows,
        (
            *((TableColumn("Pair", "", _pair, "text"),) if headline_no is None else ()),
            TableColumn("Way to count", "", _way, "text"),
            TableColumn("Months", "", lambda row: _months(report, row), "text"),
            TableColumn("Rate", "rate", _rate),
            number("Converted", "converted"),
            number("Entered", "entered"),
            number("Still open", "still_open"),
            TableColumn(
                "95% interval", "rate_low", lambda row: Cell(text.interval(row.rate_low, row.rate_high), "quiet")
            ),
            TableColumn("Against the target", "", lambda row: _gap(row.target_gap)),
        ),
        caption="One rate, counted in other ways",
        tone=lambda row: "small-n" if row.entered < SMALL_SAMPLE else "",
        source=report.source(answer),
        notes=(
            *(note for row in answer.rows for note in _coverage(row)),
            *_record(report, headline_no),
            f"Grey: fewer than {SMALL_SAMPLE} {many}.",
        ),
        key="ways" if headline_no is None else f"ways-{headline_no}",
    )


def _pair(row: Row) -> str:
    return f"{row.from_label} → {row.to_label}"


def _way(row: Row) -> str:
    return {
        "recent": f"Within {row.window_days} days, the last final months",
        "latest": f"Within {row.window_days} days, the last final month",
        "final": "Ever, all final months",
        "expected": "Expected final rate, all months",
    }[row.way]


def _months(report: Report, row: Row) -> Cell:
    if row.way == "expected":
        return Cell("all")
    if row.last_month is not None:
        return Cell(report.month_range(row.first_month, row.last_month))
    if row.settle_days is None:
        return Cell("none", note="fewer than 50 have converted, so nobody knows when a month is final")
    return Cell("none", note=f"no complete month is {row.settle_days} days old yet")


def _rate(row: Row) -> Cell:
    if row.way == "expected":
        nobody = "" if row.converted else f"nobody has reached {row.to_label} yet: nothing to estimate from"
        return Cell(text.rate(row.rate), note=nobody)
    is_open = row.way == "final" and row.still_open
    return Cell(
        text.rate(row.rate),
        note=f"up to {text.rate((row.converted + row.still_open) / row.entered)}" if is_open else "",
    )


def _gap(gap: float | None) -> str:
    if gap is None:
        return text.DASH
    return "on target" if gap == 0 else f"{text.distance(gap)} {'short' if gap < 0 else 'above'}"


def _coverage(row: Row) -> Iterator[str]:
    if row.coverage is not None and row.coverage < MIN_WINDOW_COVERAGE:
        yield (
            f"{_pair(row)}: only {text.rate(row.coverage)} of the conversions expected in the end fall within "
            f"{row.window_days} days."
        )


def _record(report: Report, headline_no: int | None) -> Iterator[str]:
    """Yield how past expected rates compare with the outcome, in the report of all leads."""
    record = [row for row in answers.expected_rate_record(report).rows if headline_no in (None, row.headline_no)]
    if report.is_all and record:
        yield f"Expected final rates: {estimate.sentence(record)}"
