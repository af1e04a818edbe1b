"""Volumes: the waterfall of arrivals, and the balance of each stage."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.report import links, text
from pipeline.report.figures import Figures
from pipeline.report.layout import charts
from pipeline.report.layout.table import (  # fmt: skip
    BarChart,
    BarRow,
    Cell,
    Column,
    Details,
    FootnoteBuilder,
    LegendItem,
    Table,
    TableRow,
    balanced,
    columns,
    texts,
)
from pipeline.report.query import QueryResult
from pipeline.report.rows import Flow, LeadBalance, PathArrival, Summary

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


@dataclass(frozen=True)
class Volumes:
    """The section of stage balances."""

    whole: Table
    leads: Table
    stages: tuple[Details, ...]
    legend: tuple[LegendItem, ...]


def waterfall(figures: Figures, footnotes: FootnoteBuilder) -> BarChart:
    """Return arrivals at every path stage, split by where they came from."""
    rows = figures.flow.arrivals.rows
    largest = max((row.arrivals for row in rows), default=0)
    rates = [row for row in figures.totals.rows if row.cohorts == "mature" and row.window_days is None]
    period = _period(rows)
    return BarChart(
        title=f"Arrivals at each path stage, {period}",
        rows=tuple(_arrival_row(row, largest, rows, rates) for row in rows),
        legend=(
            LegendItem("through", "came through the stage before"),
            LegendItem("over", "came from lower down and passed over the stage before"),
            LegendItem("began", "began here"),
        ),
        source=footnotes.source(
            figures.flow.arrivals,
            unit="cycles",
            basis=f"activity: arrivals in {period}, whatever month they began in; conversion: final monthly cohorts",
            denominator="activity: arrivals at the stage before in the same months, it may exceed 100 %; conversion: cohort",
        ),
        details=Details("Numbers behind the chart", _arrivals_table(rows, f"Arrivals at each path stage, {period}")),
        key="arrivals-chart",
    )


def _arrivals_table(rows: tuple[PathArrival, ...], caption: str) -> Table:
    return Table(
        caption=caption,
        columns=columns(
            "Stage", "Arrivals", "Through", "Over", "Began here", "Arrivals at the stage before", "Activity"
        ),
        rows=tuple(
            TableRow(
                texts(
                    row.label,
                    *(
                        text.count(n)
                        for n in (row.arrivals, row.through, row.over, row.began_here, row.previous_arrivals)
                    ),
                    text.rate(row.activity_rate),
                )
            )
            for row in rows
        ),
        key="arrivals",
    )


def _period(rows: tuple[PathArrival, ...]) -> str:
    if not rows or rows[0].first_month is None:
        return "all history"
    first, last = text.month(rows[0].first_month), text.period(rows[0].last_month, rows[0].is_partial)
    return last if rows[0].first_month == rows[0].last_month else f"{first} – {last}"


def _arrival_row(row: PathArrival, largest: int, rows: tuple[PathArrival, ...], rates: list[Summary]) -> BarRow:
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


def _step(row: PathArrival, name: str, before: list[PathArrival], rates: list[Summary]) -> str:
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


def volumes(figures: Figures, footnotes: FootnoteBuilder) -> Volumes:
    """Return the balances of all stages, of all months, and of each stage by month."""
    return Volumes(
        whole=_flow_table(
            figures.flow.stages,
            "All history, stage by stage",
            "Stage",
            [row.stage_label for row in figures.flow.stages.rows],
            footnotes,
            "flow-all",
        ),
        leads=_balance_table(figures, footnotes),
        stages=tuple(
            Details(
                result.rows[0].stage_label,
                _flow_table(
                    result,
                    f"{result.rows[0].stage_label}, month by month",
                    "Month",
                    [_month_name(row) for row in result.rows],
                    footnotes,
                    f"flow-{position}",
                ),
                note=f"{text.plural(result.rows[-1].closing, 'lead')} now",
                drawing=charts.flow_bars(result.rows, _flow_alt_text(result.rows)),
                link=links.stage_page(result.rows[0].stage),
            )
            for position, result in enumerate(figures.flow.by_stage, 1)
            if result.rows
        ),
        legend=(
            LegendItem("in", "came in"),
            LegendItem("out", "left"),
            LegendItem("stock", "in the stage at the month’s end"),
        ),
    )


def _month_name(row: Flow | LeadBalance) -> str:
    return text.period(row.month_start, row.is_partial) if row.month_start else "all history"


def _flow_alt_text(rows: tuple[Flow, ...]) -> str:
    first, last = rows[0], rows[-1]
    return (
        f"{first.stage_label}: {text.count(first.opening)} at the start of {_month_name(first)}, "
        f"{text.count(last.closing)} at the end of {_month_name(last)}"
    )


def _flow_table(
    result: QueryResult[Flow], caption: str, first: str, names: list[str], footnotes: FootnoteBuilder, key: str
) -> Table:
    ins = [kind for kind in IN_WORDS if any(getattr(row, f"in_{kind}") for row in result.rows)]
    outs = [kind for kind in OUT_WORDS if any(getattr(row, f"out_{kind}") for row in result.rows)]
    return Table(
        caption=caption,
        columns=(
            Column(first, "text"),
            Column("Opening"),
            Column("+ in", hint="all that came in"),
            Column("− out", hint="all that left"),
            Column("= closing"),
            Column("Adds up"),
            *(Column(f"in: {kind}", "part-in", IN_WORDS[kind]) for kind in ins),
            *(Column(f"out: {kind}", "part-out", OUT_WORDS[kind]) for kind in outs),
        ),
        rows=tuple(
            TableRow(
                (
                    Cell(name),
                    Cell(text.count(row.opening)),
                    Cell(text.count(row.ins)),
                    Cell(text.count(row.outs)),
                    Cell(text.count(row.closing), "sum"),
                    balanced(row.is_balanced),
                    *(_part(getattr(row, f"in_{kind}")) for kind in ins),
                    *(_part(getattr(row, f"out_{kind}")) for kind in outs),
                )
            )
            for name, row in zip(names, result.rows, strict=True)
        ),
        source=footnotes.source(
            result,
            unit="leads",
            basis="moves by the day they happened; opening + in − out = closing, and closing is the next opening",
            denominator="none: these are counts",
        ),
        notes=("Kinds of move that never happened here have no column.",),
        key=key,
    )


def _part(value: int) -> Cell:
    return Cell(text.count(value), "part" if value else "none")


def _balance_table(figures: Figures, footnotes: FootnoteBuilder) -> Table:
    has_restored = any(row.restored_leads for row in figures.flow.balance.rows)
    restored_head = ("+ restored leads",) if has_restored else ()
    came_over_head = () if figures.report.is_all else ("+ came over",)
    heads = ("Month", "Opening", "+ new leads", *restored_head, *came_over_head, "− deleted leads", "= closing")

    def parts(row: LeadBalance) -> tuple[int, ...]:
        restored = (row.restored_leads,) if has_restored else ()
        came_over = () if figures.report.is_all else (row.came_over,)
        return (row.opening, row.new_leads, *restored, *came_over, row.deleted_leads, row.closing)

    return Table(
        caption=(
            "All stages together: only new and deleted leads change the total"
            if figures.report.is_all
            else "All stages together: new and deleted leads change the total, and those whose value changes"
        ),
        columns=columns(*heads, "Adds up"),
        rows=tuple(
            TableRow(
                (
                    Cell("All history" if row.month_start is None else _month_name(row)),
                    *texts(*(text.count(n) for n in parts(row))),
                    balanced(row.is_balanced),
                ),
                "total" if row.month_start is None else "",
            )
            for row in figures.flow.balance.rows
        ),
        source=footnotes.source(
            figures.flow.balance,
            unit="leads",
            basis="all stages together, off the path too",
            denominator="none: these are counts",
        ),
        key="balance",
    )
