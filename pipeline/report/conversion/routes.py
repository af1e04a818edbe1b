"""Conversion by route past qualification, sources of origins, and qualifying teams."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.report import text
from pipeline.report.conversion.cohorts import SMALL_SAMPLE
from pipeline.report.conversion.rows import RouteConversion
from pipeline.report.figures import Figures
from pipeline.report.layout.table import Cell, Column, FootnoteBuilder, Table, TableRow, columns, texts

ORIGINS = {
    "rule": "a rule of [[origins]]",
    "default": "origin_default",
    "input": "as the input says",
    "nobody": "nobody says",
}


@dataclass(frozen=True)
class Routes:
    """Tables that two sections use. A table without rows is None."""

    conversion: Table | None
    qualifying: str
    """Labels of the stages that qualify, such as `MQL or TQL`."""
    origins: Table
    qualifications: Table | None


def routes(figures: Figures, footnotes: FootnoteBuilder) -> Routes:
    """Return the tables of routes, origins and qualifications."""
    labels = [stage.label for stage in figures.stages.rows if stage.qualifies]
    qualifying = f"{', '.join(labels[:-1])} or {labels[-1]}" if len(labels) > 1 else "".join(labels)
    return Routes(
        conversion=_conversion(figures, qualifying, footnotes) if figures.routes.conversion.rows else None,
        qualifying=qualifying,
        origins=_origins(figures, footnotes),
        qualifications=_qualifications(figures, footnotes) if figures.routes.qualifications.rows else None,
    )


def _conversion(figures: Figures, qualifying: str, footnotes: FootnoteBuilder) -> Table:
    names = {"all": "all", "qualified": f"via {qualifying}", "direct": "direct"}
    return Table(
        caption=f"Conversion after {qualifying}: all, via {qualifying}, direct",
        columns=(
            Column("Pair", "text"),
            Column("Route", "text"),
            *(
                Column(name)
                for name in ("Entered", "Converted", "Passed over", "Lost", "Still open", "Rate, all cohorts")
            ),
            Column("Rate, final months"),
            Column("95 % interval"),
        ),
        rows=tuple(_conversion_row(row, names[row.route]) for row in figures.routes.conversion.rows),
        source=footnotes.source(
            figures.routes.conversion,
            unit="cycles",
            basis="counts: all cohorts, window: ever; final months: those final for all routes together",
            denominator="entered; final months: the number after “of”; entered = converted + passed over + lost + still open",
        ),
        notes=(
            f"via {qualifying}: the cycle was there before it arrived at the first stage of the pair. direct: it was not. "
            "all = via + direct, the counts of every other table of this section.",
            "Hatched: some cycles are still open, so the rate can only rise; compare the final months.",
            f"Grey: fewer than {SMALL_SAMPLE} cycles.",
        ),
        key="routes",
    )


def _conversion_row(row: RouteConversion, name: str) -> TableRow:
    counts = (row.entered, row.converted, row.passed_over, row.lost, row.still_open)
    tone = "immature" if row.still_open else "small-n" if 0 < row.entered < SMALL_SAMPLE else ""
    return TableRow(
        (
            Cell(f"{row.from_label} → {row.to_label}"),
            Cell(name),
            *texts(*(text.count(n) for n in counts)),
            Cell(text.rate(row.rate), tone, f"{text.count(row.still_open)} open" if row.still_open else ""),
            _mature_rate(row),
            Cell(text.interval(row.mature_low, row.mature_high), "quiet"),
        ),
        "total" if row.route == "all" else "",
    )


def _mature_rate(row: RouteConversion) -> Cell:
    if row.mature_entered == 0:
        return Cell(text.DASH, "none")
    return Cell(
        text.rate(row.mature_rate),
        "small-n" if row.mature_entered < SMALL_SAMPLE else "",
        f"{text.count(row.mature_converted)} of {text.count(row.mature_entered)}",
    )


def _origins(figures: Figures, footnotes: FootnoteBuilder) -> Table:
    return Table(
        caption="Origin: who says it",
        columns=columns("Source", "Leads", "Share"),
        rows=tuple(
            TableRow(texts(ORIGINS[row.source], text.count(row.leads), text.rate(row.share)))
            for row in figures.routes.origins.rows
        ),
        source=footnotes.source(
            figures.routes.origins,
            unit="leads with history",
            basis="all history; the origin is the lead’s, as it is now",
            denominator="all leads with history, in scope",
        ),
        key="origins",
    )


def _qualifications(figures: Figures, footnotes: FootnoteBuilder) -> Table:
    return Table(
        caption="Qualified by: which team made the cycles ready",
        columns=columns("Team", "Cycles", "Share"),
        rows=tuple(
            TableRow(texts(row.qualified_by, text.count(row.cycles), text.rate(row.share)))
            for row in figures.routes.qualifications.rows
        ),
        source=footnotes.source(
            figures.routes.qualifications,
            unit="cycles",
            basis="all history; the team of the highest stage that qualifies and that the cycle entered; direct: it entered none",
            denominator="all cycles",
        ),
        key="qualifications",
    )
