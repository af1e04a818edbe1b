"""Volumes: arrivals at each stage of the path, and the balance of each stage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from pipeline.report import answers, links, text
from pipeline.report.layout.bars import Part, bars, two_sided_bar
from pipeline.report.layout.charts import Drawing
from pipeline.report.layout.table import (
    Cell,
    Figure,
    LegendItem,
    Table,
    TableColumn,
    balanced,
    number,
    table,
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


ARRIVAL_LEGEND = (
    LegendItem("through", "came through the stage before"),
    LegendItem("over", "came from lower down and passed over the stage before"),
    LegendItem("began", "began here"),
)
_STAGE = TableColumn("Stage", "", lambda row: Cell(row.stage_label, link=links.stage_page(row.stage)), "text")


def volume_page(report: Report) -> dict[str, Any]:
    """Return the arrivals at each stage, and the balance of each stage and of all leads."""
    whole = answers.stage_flow(report)
    return {
        "arrivals": Figure("arrivals-by-stage", _arrivals_table(report), ARRIVAL_LEGEND),
        "stages": _flow_table(report, whole, "All history, stage by stage", _STAGE, "flow-all"),
        "leads": _lead_table(report),
    }


def _arrivals(report: Report) -> Answer:
    """Return the arrivals of the last twelve complete months, or of all history if no month is complete."""
    recent, everything = (
        report.rows("report.path_arrivals", "arrivals", where=f"scope = '{scope}'", order="rank, stage_no")
        for scope in ("recent", "all")
    )
    return recent if recent.rows and recent.rows[0].first_month is not None else everything


def _arrivals_table(report: Report) -> Table:
    """Return arrivals at every path stage, split by where they came from."""
    answer = _arrivals(report)
    rows = answer.rows
    largest = max((row.arrivals for row in rows), default=0)
    rates = [row for row in answers.totals(report).rows if row.cohorts == "mature" and row.window_days is None]
    period = _period(rows)
    return table(
        rows,
        (
            TableColumn("Stage", "", lambda row: Cell(row.label, link=links.stage_page(row.stage)), "text"),
            number("Arrivals", "arrivals"),
            bars("Where they came from", _ways_in, largest),
            number("Through the stage before", "through"),
            number("Passed over it", "over"),
            number("Began here", "began_here"),
            number("Arrivals at the stage before", "previous_arrivals"),
            number("Activity", "activity_rate", text.rate),
            TableColumn("Conversion, final cohorts", "", lambda row: _conversion(row, rows, rates)),
        ),
        caption=f"Arrivals at each path stage, {period}",
        source=report.source(answer),
        key="arrivals",
    )


def _period(rows: tuple[Row, ...]) -> str:
    if not rows or rows[0].first_month is None:
        return "all history"
    first, last = text.month(rows[0].first_month), text.period(rows[0].last_month, rows[0].is_partial)
    return last if rows[0].first_month == rows[0].last_month else f"{first} – {last}"


def _ways_in(row: Row) -> list[Part]:
    names = {"through": "through the stage before", "over": "passed over it", "began": "began here"}
    sizes = {"through": row.through, "over": row.over, "began": row.began_here}
    return [(tone, size, f"{names[tone]}: {text.count(size)}") for tone, size in sizes.items() if size is not None]


def _conversion(row: Row, rows: Sequence[Row], rates: Sequence[Row]) -> Cell:
    """Return the final conversion from each stage of the rank before, with its counts."""
    before = {other.stage for other in rows if other.rank == row.rank - 1}
    known = [rate for rate in rates if rate.to_stage == row.stage and rate.from_stage in before]
    return Cell(
        ", ".join(text.rate(rate.rate) for rate in known) or text.DASH,
        note="; ".join(f"{text.count(rate.converted)} of {text.count(rate.entered)}" for rate in known),
    )


def stage_balance(report: Report, stage: Row) -> Table | None:
    """Return the balance of a stage by month; None if nothing has happened in it."""
    answer = answers.stage_months(report, stage.stage)
    if not answer.rows:
        return None
    month = TableColumn("Month", "", _month_name, "text")
    now = text.plural(answer.rows[-1].closing, "lead")
    return _flow_table(report, answer, f"{stage.label}, month by month: {now} now", month, f"flow-{stage.stage_no}")


def _month_name(row: Row) -> str:
    return text.period(row.month_start, row.is_partial) if row.month_start else "all history"


def _flow_bar(row: Row, largest: int) -> Drawing:
    parts = (("out", -row.outs, f"left: {text.count(row.outs)}"), ("in", row.ins, f"came in: {text.count(row.ins)}"))
    return two_sided_bar(parts, largest)


def _flow_table(report: Report, answer: Answer, caption: str, first: TableColumn, key: str) -> Table:
    largest = max((max(row.ins, row.outs) for row in answer.rows), default=0)
    return table(
        answer.rows,
        (
            first,
            number("Opening", "opening"),
            number("+ in", "ins", hint="all that came in"),
            number("− out", "outs", hint="all that left"),
            TableColumn("= closing", "closing", lambda row: Cell(text.count(row.closing), "sum")),
            TableColumn("Adds up", "", lambda row: balanced(row.is_balanced)),
            TableColumn("Left and came in", "", lambda row: Cell("", drawing=_flow_bar(row, largest)), "chart"),
            *_moves("in", IN_WORDS, answer.rows),
            *_moves("out", OUT_WORDS, answer.rows),
        ),
        caption=caption,
        source=report.source(answer),
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
        source=report.source(answer),
        key="balance",
    )
