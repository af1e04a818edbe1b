"""The funnel: how far one group of leads came, and where those are that came no further."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.report import text
from pipeline.report.layout.bars import stacked_bar
from pipeline.report.layout.table import BarChart, BarRow, LegendItem
from pipeline.report.query import Answer, Report, Row, Source


def funnel(report: Report) -> BarChart:
    """Return one bar per step of the path; the bars shrink, and the part that is lost stands beside."""
    answer = report.rows("report.funnel", "leads", order="step_no")
    steps, stops = answer.rows, _stops(report).rows
    first = steps[0] if steps else None
    is_empty = first is None or first.first_month is None
    months = "" if first is None or is_empty else f" in {report.month_range(first.first_month, first.last_month)}"
    return BarChart(
        title=f"Leads that became {first.label}{months}, and how far they came" if first else "The funnel",
        rows=() if is_empty else tuple(_row(step, [] if step is steps[-1] else stops) for step in steps),
        legend=(
            LegendItem("converted", "came this far or further"),
            LegendItem("lost-4", "came only to the step before"),
        ),
        source=report.source(answer),
        key="funnel",
    )


def stops_source(report: Report) -> Source:
    """Return the footnote of the counts of leads that came no further."""
    return report.source(_stops(report))


def _stops(report: Report) -> Answer:
    return report.rows("report.funnel_stops", "leads", order="step_rank, leads desc, state, stage")


def _row(step: Row, stops: Sequence[Row]) -> BarRow:
    before = step.previous_leads
    parts = [("converted", step.leads, f"{step.label}: {text.count(step.leads)}")]
    shares: tuple[str, ...] = ()
    if before is not None:
        parts.append(
            ("lost-4", before - step.leads, f"came only to {step.previous_label}: {text.count(before - step.leads)}")
        )
        shares = (
            f"{text.percent(step.share_of_previous)} of {step.previous_label} · {text.percent(step.share_of_all)} of all",
        )
    stopped = [_stop(stop) for stop in stops if stop.step_rank == step.step_rank]
    return BarRow(
        label=step.label,
        drawing=stacked_bar(
            parts, step.all_leads, f"{step.label}: {text.count(step.leads)} of {text.count(step.all_leads)}", height=22
        ),
        value=text.count(step.leads),
        notes=(*shares, *((f"went no further: {' · '.join(stopped)}",) if stopped else ())),
    )


def _stop(stop: Row) -> str:
    names = {"open": "still open", "deleted": "deleted"}
    return f"{text.count(stop.leads)} {names.get(stop.state) or f'in {stop.stage_label}'}"
