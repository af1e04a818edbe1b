"""Conversion as observed, and with implied entries into skipped stages (E9)."""

from __future__ import annotations

from pipeline.report import text
from pipeline.report.conversion.cohorts import COUNTS, STILL_OPEN, title
from pipeline.report.conversion.routes import rate_so_far
from pipeline.report.layout.table import Cell, Table, TableColumn, number, table, word
from pipeline.report.query import Report
from pipeline.report.text import SMALL_SAMPLE

BASES = {"observed": "observed", "with_implied": "with implied dates"}


def implied(report: Report) -> Table | None:
    """Return two rows per pair; None unless the configuration asks for the comparison."""
    answer = report.rows("report.implied_comparison", "entered", order="shown_no, basis")
    if not answer.rows:
        return None
    return table(
        answer.rows,
        (
            TableColumn("Pair", "", title, "text"),
            word("Arrivals", "basis", BASES.__getitem__),
            *COUNTS,
            STILL_OPEN,
            TableColumn("Rate, all cohorts", "rate", rate_so_far),
            TableColumn(
                "95% interval", "rate_low", lambda row: Cell(text.interval(row.rate_low, row.rate_high), "quiet")
            ),
            number("Difference", "rate_change", text.points),
        ),
        caption="Comparison with implied dates: not a number of this report",
        source=report.source(answer),
        notes=(
            "A cycle that began below a stage and arrived above it, without it, is taken to have been there. No row of history "
            "says so, nobody spent time there, and no other table of this report counts it.",
            "Of parallel stages none is implied; pairs of a group are left out.",
            "Hatched: some cycles are still open, so the rate can only rise.",
            f"Grey: fewer than {SMALL_SAMPLE} cycles.",
        ),
        key="implied",
    )
