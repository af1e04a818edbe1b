"""Conversion as observed, and with implied entries into skipped stages (E9)."""

from __future__ import annotations

from pipeline.report import text
from pipeline.report.conversion.cohorts import SMALL_SAMPLE
from pipeline.report.conversion.rows import ImpliedComparison
from pipeline.report.figures import Figures
from pipeline.report.layout.table import Cell, Column, FootnoteBuilder, Table, TableRow, texts

BASES = {"observed": "observed", "with_implied": "with implied dates"}


def implied(figures: Figures, footnotes: FootnoteBuilder) -> Table | None:
    """Return two rows per pair; None unless the configuration asks for the comparison."""
    if not figures.routes.implied.rows:
        return None
    return Table(
        caption="Comparison with implied dates: not a number of this report",
        columns=(
            Column("Pair", "text"),
            Column("Arrivals", "text"),
            *(
                Column(name)
                for name in ("Entered", "Converted", "Passed over", "Lost", "Still open", "Rate, all cohorts")
            ),
            Column("95 % interval"),
            Column("Difference"),
        ),
        rows=tuple(_row(row) for row in figures.routes.implied.rows),
        source=footnotes.source(
            figures.routes.implied,
            unit="cycles",
            basis="all cohorts, window: ever; implied: a stage that the cycle skipped, dated at its first arrival above it",
            denominator="entered; entered = converted + passed over + lost + still open",
        ),
        notes=(
            "A cycle that began below a stage and arrived above it, without it, is taken to have been there. No row of history "
            "says so, nobody spent time there, and no other table of this report counts it.",
            "Of parallel stages none is implied; pairs of a group are left out.",
            "Hatched: some cycles are still open, so the rate can only rise.",
            f"Grey: fewer than {SMALL_SAMPLE} cycles.",
        ),
        key="implied",
    )


def _row(row: ImpliedComparison) -> TableRow:
    counts = (row.entered, row.converted, row.passed_over, row.lost, row.still_open)
    tone = "immature" if row.still_open else "small-n" if 0 < row.entered < SMALL_SAMPLE else ""
    return TableRow(
        (
            Cell(f"{row.from_label} → {row.to_label}"),
            Cell(BASES[row.basis]),
            *texts(*(text.count(n) for n in counts)),
            Cell(text.rate(row.rate), tone, f"{text.count(row.still_open)} open" if row.still_open else ""),
            Cell(text.interval(row.rate_low, row.rate_high), "quiet"),
            Cell(text.points(row.rate_change)),
        )
    )
