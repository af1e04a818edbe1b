"""SLA: stays that met the limit of their stage, by month and by owner (T5)."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.report import text
from pipeline.report.conversion.cohorts import SMALL_SAMPLE
from pipeline.report.figures import Figures
from pipeline.report.layout import charts
from pipeline.report.layout.table import Cell, Column, Details, FootnoteBuilder, Table, TableRow, texts
from pipeline.report.owners.figures import MAX_OWNERS_SHOWN
from pipeline.report.owners.rows import OwnerSla, StageSla
from pipeline.report.query import QueryResult

_COUNTS = (
    Column("Met"),
    Column("Breached", hint="left too late"),
    Column("Open, within"),
    Column("Open, overdue"),
    Column("Met share", hint="met / (met + breached + open, overdue)"),
)
DENOMINATOR = "met + breached + open, overdue; stays that may still make it are left out"


@dataclass(frozen=True)
class SlaSection:
    """SLA results of every stage, then of each stage by month and by owner."""

    sentence: str
    stages: Table
    months: tuple[Details, ...]
    owners: tuple[Details, ...]
    note: str


def sla_section(figures: Figures, footnotes: FootnoteBuilder) -> SlaSection:
    """Return the SLA results of all stages with an SLA, in the order of the waterfall."""
    rows = figures.sla.stages.rows
    late = sum(row.breached + row.open_overdue for row in rows)
    decided = late + sum(row.met for row in rows)
    sentence = (
        f"Of {text.plural(decided, 'decided stay')} in stages with a limit, {text.count(late)} left too late or are overdue."
        if rows
        else "The configuration gives no stage a limit."
    )
    largest = max((sum(_counts(row)) for row in rows), default=0)
    table = Table(
        caption="Stays against the limit of their stage, all history",
        columns=(Column("Stage", "text"), Column("Limit"), *_COUNTS, Column("All stays", "chart")),
        rows=tuple(
            TableRow(
                (
                    Cell(row.stage_label),
                    Cell(row.sla_text, note=f"{row.sla_clock} clock"),
                    *_cells(row),
                    Cell("", drawing=_bar(row, largest)),
                )
            )
            for row in rows
        ),
        source=footnotes.source(
            figures.sla.stages,
            unit="stays (spans)",
            basis="stays that began by as-of, each limit on its own clock; on the limit is in time",
            denominator=DENOMINATOR,
        ),
        key="limits",
    )
    return SlaSection(
        sentence=sentence,
        stages=table,
        months=tuple(_months(row, result, footnotes) for row, result in zip(rows, figures.sla.months, strict=True)),
        owners=tuple(_owners(row, result, footnotes) for row, result in zip(rows, figures.sla.by_owner, strict=True)),
        note="The counts are of stays by the owner when the lead came. The last two columns are the to-do list by the owner now: "
        "whoever inherits an overdue lead has it to do, and has not breached.",
    )


def _counts(row: StageSla | OwnerSla) -> tuple[int, int, int, int]:
    return row.met, row.breached, row.open_within, row.open_overdue


def _cells(row: StageSla | OwnerSla, is_small: bool = False) -> tuple[Cell, ...]:
    return (
        *texts(text.count(row.met), text.count(row.breached), text.count(row.open_within)),
        Cell(text.count(row.open_overdue), "alert" if row.open_overdue else ""),
        Cell(text.rate(row.met_share), "small-n" if is_small else ""),
    )


def _bar(row: StageSla, largest: int) -> charts.Drawing:
    late = row.breached + row.open_overdue
    return charts.stacked_bar(
        [
            ("converted", row.met, f"met: {text.count(row.met)}"),
            ("overdue", late, f"breached or overdue: {text.count(late)}"),
            ("open", row.open_within, f"open, within: {text.count(row.open_within)}"),
        ],
        largest,
        f"{text.count(row.met)} met, {text.count(late)} breached or overdue, {text.count(row.open_within)} open within",
        height=12,
    )


def _months(stage: StageSla, result: QueryResult[StageSla], footnotes: FootnoteBuilder) -> Details:
    table = Table(
        caption=f"{stage.stage_label}: stays by month of entry",
        columns=(Column("Month", "text"), *_COUNTS),
        rows=tuple(
            TableRow((Cell(footnotes.period(row.month_start, row.is_partial)), *_cells(row))) for row in result.rows
        ),
        source=footnotes.source(
            result, unit="stays (spans)", basis="by month of entry, the newest last", denominator=DENOMINATOR
        ),
        key=f"limit-months-{stage.stage_no}",
    )
    return Details(stage.stage_label, table, note="month by month")


def _owners(stage: StageSla, result: QueryResult[OwnerSla], footnotes: FootnoteBuilder) -> Details:
    more = len(result.rows) - MAX_OWNERS_SHOWN
    table = Table(
        caption=f"{stage.stage_label}: stays by owner at entry, and what each owner has now; limit {stage.sla_text}, "
        f"{stage.sla_clock} clock",
        columns=(
            Column("Owner", "text"),
            *_COUNTS,
            Column("95 % interval"),
            Column("0 to 100 %", "chart"),
            Column("Has now, within"),
            Column("Has now, overdue"),
        ),
        rows=tuple(
            TableRow(
                (
                    Cell(row.owner),
                    *_cells(row, row.decided < SMALL_SAMPLE),
                    Cell(text.interval(row.met_low, row.met_high), "small-n" if row.decided < SMALL_SAMPLE else ""),
                    Cell("", drawing=charts.interval_bar(None, row.met_share, row.met_low, row.met_high)),
                    Cell(text.count(row.now_within)),
                    Cell(text.count(row.now_overdue), "alert" if row.now_overdue else ""),
                )
            )
            for row in result.rows[:MAX_OWNERS_SHOWN]
        ),
        source=footnotes.source(
            result,
            unit="stays (spans); leads in the last two columns",
            basis="owner when the lead came, as history names it; in the last two columns the owner at as-of",
            denominator=DENOMINATOR,
        ),
        notes=(
            f"Grey: fewer than {SMALL_SAMPLE} decided stays. Most overdue now first, then by name; the place is no grade.",
            *((f"and {text.plural(more, 'more owner')}; the query lists them all.",) if more > 0 else ()),
        ),
        key=f"limit-owners-{stage.stage_no}",
    )
    late = sum(row.now_overdue for row in result.rows)
    note = f"by owner; {text.plural(late, 'open lead')} past the limit of {stage.sla_text}, {stage.sla_clock} clock"
    return Details(stage.stage_label, table, is_open=late > 0, note=note)
