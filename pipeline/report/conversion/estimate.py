"""The expected final rate of open cohorts, and how earlier estimates compare with the outcome (K6)."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.report import text
from pipeline.report.figures import Figures
from pipeline.report.layout.table import Cell, Column, FootnoteBuilder, Table, TableRow, texts
from pipeline.report.quality.rows import ExpectedRateRecord
from pipeline.report.rows import CohortMonth, GridCell

EXPECTED_COVERAGE = "about 95 % is expected"
HINT = "share expected to have converted when nobody of the month is open any more"
MEANING = (
    "est.: settled estimate, what a month that is not final yet is expected to come to when none of it is open any more, "
    "with its 95 % interval; see Definitions."
)


def estimate(cohort: CohortMonth | GridCell) -> str:
    """Return `41.0 % (36.2–47.0 %)`; a dash if there is no estimate."""
    if cohort.settled_estimate is None:
        return text.DASH
    return f"{text.rate(cohort.settled_estimate)} ({text.interval(cohort.settled_low, cohort.settled_high)})"


def cell(cohort: CohortMonth) -> Cell:
    """Return the expected final rate of a month with its interval; a dash for a final month."""
    if cohort.settled_estimate is None:
        return Cell(text.DASH, "none")
    return Cell(text.rate(cohort.settled_estimate), note=text.interval(cohort.settled_low, cohort.settled_high))


def sentence(records: Sequence[ExpectedRateRecord]) -> str:
    """Return how many past intervals contained the outcome, and whether they are too narrow."""
    estimates = sum(record.estimates for record in records)
    if not estimates:
        return "No past estimate can be judged yet."
    inside = sum(record.held for record in records)
    share = f"{text.rate(inside / estimates)}; {EXPECTED_COVERAGE}"
    words = f"Of {text.plural(estimates, 'past estimate')} {text.count(inside)} held what came ({share})."
    if any(record.is_too_narrow for record in records):
        words += " That is too few for chance: read the interval as too narrow."
    return words


def record(figures: Figures, footnotes: FootnoteBuilder) -> Table | None:
    """Return past estimates against outcomes, one row per headline pair.

    None without headline pairs and in the report of one dimension value.
    """
    rows = figures.quality.expected_rate_record.rows
    if not rows or not figures.report.is_all:
        return None
    return Table(
        caption="Settled estimates of past ends of a month, against what came",
        columns=(
            Column("Pair", "text"),
            Column("Judged", hint="estimates of cohorts with open units then that are final now"),
            Column("Held", hint="what came lay inside the 95 % interval"),
            Column("Share"),
            Column("95 % interval"),
            Column("Fewer came"),
            Column("More came"),
            Column("Came − estimate, mean"),
            Column("Given between", "text"),
        ),
        rows=tuple(_row(row) for row in rows),
        source=footnotes.source(
            figures.quality.expected_rate_record,
            unit="estimates: one per end of a month and monthly cohort of which somebody was open then",
            basis=(
                "the last twelve ends of a month, each with what was known then; a cohort is judged once it is final "
                "by its age; each estimate is in quality.settled_backtest"
            ),
            denominator="judged",
        ),
        notes=(
            sentence(rows),
            "Estimates of one month share a curve, and those of one cohort its units.",
        ),
        key="settled-record",
    )


def _row(row: ExpectedRateRecord) -> TableRow:
    return TableRow(
        (
            Cell(f"{row.from_label} → {row.to_label}"),
            *texts(text.count(row.estimates), text.count(row.held)),
            Cell(text.rate(row.held_share), note="too few for chance" if row.is_too_narrow else ""),
            Cell(text.interval(row.held_low, row.held_high), "quiet"),
            *texts(text.count(row.below), text.count(row.above), text.points(row.mean_miss)),
            Cell(f"{text.day(row.first_date)} to {text.day(row.last_date)}" if row.estimates else text.DASH),
        )
    )
