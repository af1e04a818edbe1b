"""What the pages say of a history that looks cut: which cohorts are marked, and which headline rates count some of them."""

from __future__ import annotations

from pipeline.report import text
from pipeline.report.figures import Figures
from pipeline.report.layout.table import Cell, Column, FootnoteBuilder, Notice, Table, TableRow, listed, texts
from pipeline.report.quality.rows import HistoryCoverage
from pipeline.report.rows import Headline


def cut_inputs(figures: Figures) -> tuple[HistoryCoverage, ...]:
    """The inputs whose history looks cut, the last to be complete first; it decides for all cohorts."""
    cut = (row for row in figures.history.rows if row.complete_from is not None)
    return tuple(sorted(cut, key=lambda row: (row.complete_from, row.input), reverse=True))


def meaning(figures: Figures) -> str:
    """What the sign behind a month means; empty while no history looks cut."""
    cut = cut_inputs(figures)
    if not cut:
        return ""
    return (
        f"{text.UNCOVERED_SIGN} The history is complete from {text.day(cut[0].complete_from)}: earlier cohorts may lack leads, "
        "or count leads that came before."
    )


def notices(figures: Figures) -> tuple[Notice, ...]:
    """A line per input whose history looks cut; the first names the headline rates that count marked cohorts."""
    cut = cut_inputs(figures)
    if not cut:
        return ()
    first = (
        f"The history of {listed([row.input for row in cut])} looks cut: it is complete from "
        f"{text.day(cut[0].complete_from)}, and earlier cohorts are marked {text.UNCOVERED_SIGN}."
    )
    pairs = [f"{row.from_label} → {row.to_label}" for row in figures.headline.rows if _counts_some(row, figures)]
    if pairs:
        rates = "The headline rate" if len(pairs) == 1 else "The headline rates"
        first += f" {rates} of {listed(pairs)} {'counts' if len(pairs) == 1 else 'count'} some of them."
    return (Notice("warn", first),)


def _counts_some(row: Headline, figures: Figures) -> bool:
    return row.is_headline_window and row.recent_months > 0 and row.recent_first_month in figures.uncovered


def table(figures: Figures, footnotes: FootnoteBuilder) -> Table | None:
    """The inputs of history with the day on which most of their leads begin; None while no history looks cut."""
    if not cut_inputs(figures):
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
        rows=tuple(TableRow(_cells(row)) for row in figures.history.rows),
        source=footnotes.source(
            figures.history,
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
