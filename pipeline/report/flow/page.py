"""Volumes: the waterfall of arrivals, and the balance of each stage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from pipeline.report import answers, links, text
from pipeline.report.layout import charts
from pipeline.report.layout.table import (
    BarChart,
    BarRow,
    Cell,
    Details,
    LegendItem,
    Table,
    TableColumn,
    balanced,
    number,
    table,
    word,
)
from pipeline.report.query import Answer, Report, Row

IN_WORDS = {
    "new": "the lead’s first entry",
    "restored": "came back after the lead had been deleted",
    "advanced": "came from a lower rank",
    "sideways": "came from a parallel stage",
    "regressed": "came back from a higher rank",
    "held": "put on hold",
    "detoured": "took a detour",
    "exited": "left the path for good",
    "returned": "came back to the path",
}
OUT_WORDS = {
    "advanced": "went to a higher rank",
    "sideways": "went to a parallel stage",
    "regressed": "went back to a lower rank",
    "held": "put on hold",
    "detoured": "took a detour",
    "exited": "left the path for good",
    "returned": "went back to the path",
    "deleted": "deleted in the source",
}


FLOW_LEGEND = (
    LegendItem("in", "came in"),
    LegendItem("out", "left"),
    LegendItem("stock", "in the stage at the month’s end"),
)


@dataclass(frozen=True)
class Volumes:
    """The section of stage balances."""

    whole: Table
    leads: Table
    stages: tuple[Details, ...]
    legend: tuple[LegendItem, ...]


@dataclass(frozen=True)
class VolumePage:
    """Arrivals and balances of all stages."""

    waterfall: BarChart
    volumes: Volumes


def volume_page(report: Report) -> VolumePage:
    """Return the arrivals at each stage, and the balances of all stages, of all months, and of each stage by month."""
    whole = answers.stage_flow(report)
    stages = (stage_balance(report, stage) for stage in answers.stages(report))
    return VolumePage(
        _waterfall(report),
        Volumes(
            whole=_flow_table(report, whole, "All history, stage by stage", word("Stage", "stage_label"), "flow-all"),
            leads=_lead_table(report),
            stages=tuple(details for details in stages if details),
            legend=FLOW_LEGEND,
        ),
    )


def _arrivals(report: Report) -> Answer:
    """Return the arrivals of the last twelve complete months, or of all history if no month is complete."""
    recent, everything = (
        report.rows("report.path_arrivals", "arrivals", where=f"scope = '{scope}'", order="rank, stage_no")
        for scope in ("recent", "all")
    )
    return recent if recent.rows and recent.rows[0].first_month is not None else everything


def _waterfall(report: Report) -> BarChart:
    """Return arrivals at every path stage, split by where they came from."""
    answer = _arrivals(report)
    rows = answer.rows
    largest = max((row.arrivals for row in rows), default=0)
    rates = [row for row in answers.totals(report).rows if row.cohorts == "mature" and row.window_days is None]
    period = _period(rows)
    return BarChart(
        title=f"Arrivals at each path stage, {period}",
        rows=tuple(_arrival_row(row, largest, rows, rates) for row in rows),
        legend=(
            LegendItem("through", "came through the stage before"),
            LegendItem("over", "came from lower down and passed over the stage before"),
            LegendItem("began", "began here"),
        ),
        source=report.source(
            answer,
            unit="cycles",
            basis=f"activity: arrivals in {period}, whatever month they began in; conversion: final monthly cohorts",
            denominator="activity: arrivals at the stage before in the same months, it may exceed 100%; conversion: cohort",
        ),
        details=Details(
            "Numbers behind the chart",
            table(
                rows,
                (
                    word("Stage", "label"),
                    number("Arrivals", "arrivals"),
                    number("Through", "through"),
                    number("Over", "over"),
                    number("Began here", "began_here"),
                    number("Arrivals at the stage before", "previous_arrivals"),
                    number("Activity", "activity_rate", text.rate),
                ),
                caption=f"Arrivals at each path stage, {period}",
                key="arrivals",
            ),
        ),
        key="arrivals-chart",
    )


def _period(rows: tuple[Row, ...]) -> str:
    if not rows or rows[0].first_month is None:
        return "all history"
    first, last = text.month(rows[0].first_month), text.period(rows[0].last_month, rows[0].is_partial)
    return last if rows[0].first_month == rows[0].last_month else f"{first} – {last}"


def _arrival_row(row: Row, largest: int, rows: tuple[Row, ...], rates: Sequence[Row]) -> BarRow:
    before = [other for other in rows if other.rank == row.rank - 1]
    name = before[0].label if len(before) == 1 else "the rank before"
    if row.rank == 1:
        parts = [("began", row.began_here, f"began here: {text.count(row.began_here)}")]
        notes: tuple[str, ...] = ("every cycle here begins here",)
    else:
        parts = [
            ("through", row.through, f"through {name}: {text.count(row.through)}"),
            ("over", row.over, f"passed over {name}: {text.count(row.over)}"),
            ("began", row.began_here, f"began here: {text.count(row.began_here)}"),
        ]
        notes = (
            f"{text.count(row.through)} through {name} · {text.count(row.over)} over it · {text.count(row.began_here)} began here",
        )
    alt_text = f"{row.label}: {text.count(row.arrivals)} arrivals: " + "; ".join(title for _, _, title in parts)
    return BarRow(
        row.label,
        charts.stacked_bar(parts, largest, alt_text),
        text.count(row.arrivals),
        notes,
        _step(row, name, before, rates),
        links.stage_page(row.stage),
    )


def _step(row: Row, name: str, before: Sequence[Row], rates: Sequence[Row]) -> str:
    """Return the activity and the final conversion between two stages, with their counts."""
    if not before:
        return ""
    words = [
        f"activity {text.rate(row.activity_rate)} ({text.count(row.arrivals)} arrivals against "
        f"{text.count(row.previous_arrivals)} at {name})"
    ]
    for other in before:
        for rate in rates:
            if (rate.from_stage, rate.to_stage) == (other.stage, row.stage):
                words.append(
                    f"conversion {other.label} → {row.label} {text.rate(rate.rate)} "
                    f"({text.count(rate.converted)} of {text.count(rate.entered)}, final cohorts)"
                )
    return " · ".join(words)


def stage_balance(report: Report, stage: Row) -> Details | None:
    """Return the balance of a stage by month; None if nothing has happened in it."""
    answer = answers.stage_months(report, stage.stage)
    if not answer.rows:
        return None
    first, last = answer.rows[0], answer.rows[-1]
    alt_text = (
        f"{first.stage_label}: {text.count(first.opening)} at the start of {_month_name(first)}, "
        f"{text.count(last.closing)} at the end of {_month_name(last)}"
    )
    month = TableColumn("Month", "", _month_name, "text")
    return Details(
        first.stage_label,
        _flow_table(report, answer, f"{first.stage_label}, month by month", month, f"flow-{stage.stage_no}"),
        note=f"{text.plural(last.closing, 'lead')} now",
        drawing=charts.flow_bars(answer.rows, alt_text),
        link=links.stage_page(stage.stage),
    )


def _month_name(row: Row) -> str:
    return text.period(row.month_start, row.is_partial) if row.month_start else "all history"


def _flow_table(report: Report, answer: Answer, caption: str, first: TableColumn, key: str) -> Table:
    return table(
        answer.rows,
        (
            first,
            number("Opening", "opening"),
            number("+ in", "ins", hint="all that came in"),
            number("− out", "outs", hint="all that left"),
            TableColumn("= closing", "closing", lambda row: Cell(text.count(row.closing), "sum")),
            TableColumn("Adds up", "", lambda row: balanced(row.is_balanced)),
            *_moves("in", IN_WORDS, answer.rows),
            *_moves("out", OUT_WORDS, answer.rows),
        ),
        caption=caption,
        source=report.source(
            answer,
            unit="leads",
            basis="moves by the day they happened; opening + in − out = closing, and closing is the next opening",
            denominator="none: these are counts",
        ),
        notes=("Kinds of move that never happened here have no column.",),
        key=key,
    )


def _moves(way: str, words: dict[str, str], rows: Sequence[Row]) -> Iterator[TableColumn]:
    """Yield a column per kind of move that happened."""
    for kind, hint in words.items():
        column = f"{way}_{kind}"
        if any(getattr(row, column) for row in rows):
            yield TableColumn(f"{way}: {kind}", column, partial(_part, column), f"part-{way}", hint)


def _part(column: str, row: Row) -> Cell:
    value = getattr(row, column)
    return Cell(text.count(value), "part" if value else "none")


def _lead_table(report: Report) -> Table:
    answer = answers.lead_balance(report)
    has_restored = any(row.restored_leads for row in answer.rows)
    return table(
        answer.rows,
        (
            TableColumn("Month", "", lambda row: _month_name(row) if row.month_start else "All history", "text"),
            number("Opening", "opening"),
            number("+ new leads", "new_leads"),
            *((number("+ restored leads", "restored_leads"),) if has_restored else ()),
            *(() if report.is_all else (number("+ came over", "came_over"),)),
            number("− deleted leads", "deleted_leads"),
            number("= closing", "closing"),
            TableColumn("Adds up", "", lambda row: balanced(row.is_balanced)),
        ),
        caption=(
            "All stages together: only new and deleted leads change the total"
            if report.is_all
            else "All stages together: new and deleted leads change the total, and those whose value changes"
        ),
        tone=lambda row: "total" if row.month_start is None else "",
        source=report.source(
            answer,
            unit="leads",
            basis="all stages together, off the path too",
            denominator="none: these are counts",
        ),
        key="balance",
    )
