"""Incomplete history: which cohorts are marked, and which headline rates count them."""

from __future__ import annotations

from pipeline.report import text
from pipeline.report.figures import Figures
from pipeline.report.layout.table import Cell, Column, FootnoteBuilder, Notice, Table, TableRow, join_words, texts
from pipeline.report.quality.rows import HistoryCoverage
from pipeline.report.rows import Headline


def incomplete_inputs(figures: Figures) -> tuple[HistoryCoverage, ...]:
    """Return inputs with incomplete history. The first is complete last and decides for all cohorts."""
    incomplete = (row for row in figures.quality.history.rows if row.complete_from is not None)
    return tuple(sorted(incomplete, key=lambda row: (row.complete_from, row.input), reverse=True))


def sign_meaning(figures: Figures) -> str:
    """Return the meaning of the sign behind a month; empty if all history is complete."""
    incomplete = incomplete_inputs(figures)
    if not incomplete:
        return ""
    return (
        f"{text.BEFORE_COVERAGE_SIGN} The history is complete from {text.day(incomplete[0].complete_from)}: "
        "earlier cohorts may lack leads, or count leads that came before."
    )


def notices(figures: Figures) -> tuple[Notice, ...]:
    """Return a notice with the incomplete inputs and the headline rates that count marked cohorts."""
    incomplete = incomplete_inputs(figures)
    if not incomplete:
        return ()
    first = (
        f"The history of {join_words([row.input for row in incomplete])} looks cut: it is complete from "
        f"{text.day(incomplete[0].complete_from)}, and earlier cohorts are marked {text.BEFORE_COVERAGE_SIGN}."
    )
    pairs = [
        f"{row.from_label} → {row.to_label}" for row in figures.headline.rows if _counts_marked_cohorts(row, figures)
    ]
    if pairs:
        rates = "The headline rate" if len(pairs) == 1 else "The headline rates"
        first += f" {rates} of {join_words(pairs)} {'counts' if len(pairs) == 1 else 'count'} some of them."
    return (Notice("warn", first),)


def _counts_marked_cohorts(row: Headline, figures: Figures) -> bool:
    return row.is_headline_window and row.recent_months > 0 and row.recent_first_month in figures.before_coverage


def table(figures: Figures, footnotes: FootnoteBuilder) -> Table | None:
    """Return the first day and the largest day of each history input; None if all history is complete."""
    if not incomplete_inputs(figures):
        return None
    return Table(
        caption="Where the history begins",
        columns=(
            Column("Input", "text"),
            Column("First entry", "text"),
            Column("Leads"),
            Column("Begin on one day"),
            Column("That day", "text"),
            Column("Complete from", "text"),
        ),
        rows=tuple(TableRow(_cells(row)) for row in figures.quality.history.rows),
        source=footnotes.source(
            figures.quality.history,
            unit="leads",
            basis="the first accepted entry of each lead, by the input that has it; cut: more than half begin on one day, and "
            "hardly any before",
            denominator="none: these are counts",
        ),
        key="history-coverage",
    )


def _cells(row: HistoryCoverage) -> tuple[Cell, ...]:
    counts = (text.count(row.leads), text.count(row.bulk_leads))
    return texts(row.input, text.day(row.first_date), *counts, text.day(row.bulk_date), text.day(row.complete_from))
