"""One row per stage: balance, flow, conversion, time and SLA, with the previous month."""

from __future__ import annotations

from pipeline.report import links, text
from pipeline.report.figures import Figures
from pipeline.report.layout.table import Cell, Column, FootnoteBuilder, Table, TableRow
from pipeline.report.overview.rows import StageSummary


def stage_summary(figures: Figures, footnotes: FootnoteBuilder) -> Table:
    """Return the table of all stages for the index page."""
    rows = figures.summary.rows
    month = text.month(rows[0].month_start) if rows and rows[0].month_start else "the last complete month"
    before = text.month(rows[0].before_start) if rows and rows[0].before_start else "the month before"
    return Table(
        caption=f"Stage by stage: now, in {month} and, below, in {before}",
        columns=(
            Column("Stage", "text"),
            Column("There now"),
            Column("Overdue", hint="past the limit of the stage; a dash where it has none"),
            Column("Came in"),
            Column("Left"),
            Column("At the month’s end"),
            Column("To the next stage", hint="conversion of the final monthly cohorts, in all history"),
            Column("Median days", hint="of the stays that ended in the month"),
        ),
        rows=tuple(_row(row) for row in rows),
        source=footnotes.source(
            figures.summary,
            unit="leads; to the next stage: what the headline counts",
            basis=f"moves of {month}, the last complete month, and below of {before}; conversion of final cohorts, window: ever",
            denominator="conversion: the number after “of”; median: stays that ended in the month",
        ),
        key="summary",
    )


def _row(row: StageSummary) -> TableRow:
    return TableRow(
        (
            Cell(row.stage_label, link=links.stage_page(row.stage)),
            Cell(text.count(row.now)),
            Cell(text.DASH if row.overdue is None else text.count(row.overdue), "alert" if row.overdue else ""),
            *(
                Cell(_count(now), note=_count(before))
                for now, before in (
                    (row.ins, row.ins_before),
                    (row.outs, row.outs_before),
                    (row.closing, row.closing_before),
                )
            ),
            _next(row),
            Cell(
                _days(row.median_days, row.completed),
                note=_days(row.median_days_before, row.completed_before),
            ),
        )
    )


def _count(value: int | None) -> str:
    return text.DASH if value is None else text.count(value)


def _next(row: StageSummary) -> Cell:
    if row.next_label is None:
        return Cell(text.DASH, "none")
    if not row.next_entered:
        return Cell(text.DASH, "none", f"{row.next_label}: nothing final yet")
    return Cell(
        text.rate(row.next_rate),
        note=f"{text.count(row.next_converted)} of {text.count(row.next_entered)} to {row.next_label}",
    )


def _days(median: float | None, completed: int | None) -> str:
    return f"{text.days(median)} of {text.count(completed)}" if completed else text.DASH
