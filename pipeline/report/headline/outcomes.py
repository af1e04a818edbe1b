"""What became of the units of a headline pair: one bar, its list and its table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.config.funnel import is_show_rate
from pipeline.report import answers, text, units
from pipeline.report.layout.bars import target_bar
from pipeline.report.layout.table import Cell, Details, LegendItem, TableColumn, TableRow, number, table
from pipeline.report.query import Report, Row

LOST_TONES = ("lost-1", "lost-2", "lost-3", "lost-4")
LOST_BY = {
    "cycle": "the stage that ended the cycle",
    "lead": "the exit in which the lead is now",
    "account": "the end of the last of its leads to go; an account waits where its furthest lead is",
}


def pair_title(row: Row) -> str:
    """Return the pair in words. The pair of meetings booked and held is the show rate."""
    pair = f"{row.from_label} → {row.to_label}"
    return f"Show rate: {pair}" if is_show_rate(row.from_stage, row.to_stage) else pair


def outcomes(report: Report, row: Row) -> dict[str, Any]:
    """Return the outcomes of a pair. `row` counts it without a window."""
    answer = answers.outcomes(report, row.headline_no)
    tones = outcome_tones(answer.rows)
    many = units.plural(row.unit)
    items = tuple(
        LegendItem(tones[gap], outcome_name(gap, row), text.count(gap.units), text.rate(gap.share))
        for gap in answer.rows
    )
    parts = [
        (item.tone, gap.units, f"{item.label}: {item.value}") for gap, item in zip(answer.rows, items, strict=True)
    ]
    said = "; ".join(f"{item.label} {item.value}" for item in items)
    alt_text = f"{row.from_label} to {row.to_label}: {said}" if items else "nobody has arrived yet"
    whole = f"All {text.count(row.entered)} {many} that reached {row.from_label}, by what became of them."
    target = f" The line across the bar is the target, {text.rate(row.target)}." if row.target else ""
    return {
        "bar": target_bar(parts, row.entered, row.target, alt_text),
        "note": f"{whole}{target}" if row.entered else f"No {row.unit} has arrived at {row.from_label} yet.",
        "shares": items,
        "details": Details(
            "Numbers behind the bar",
            table(
                answer.rows,
                (
                    TableColumn("Outcome", "", lambda gap: outcome_name(gap, row), "text"),
                    number(many.capitalize(), "units"),
                    number("Share", "share", text.rate),
                ),
                caption=f"What became of the {many} that reached {row.from_label}",
                total=TableRow(
                    (Cell("All"), Cell(text.count(row.entered)), Cell(text.rate(1.0 if items else None))), "total"
                ),
                source=report.source(answer, also=f"lost by {LOST_BY[row.unit]}"),
                key=f"fates-{row.headline_no}",
            ),
        ),
    }


def outcome_name(gap: Row, row: Row) -> str:
    """Return the outcome in words."""
    stage = gap.stage_label or "a stage unknown"
    names = {
        "converted": f"Went on to {row.to_label}",
        "passed_over": f"Passed over {row.to_label}: went further without it",
        "exited": f"Lost to {stage}",
        "detoured": f"Lost to {stage}, may come back",
        "regressed": f"Lost: moved back to {stage}",
        "deleted": "Lost: deleted in the source",
        "completed": f"Lost: completed without {row.to_label}",
        "overdue": f"Still open in {stage}, overdue",
        "within_limit": f"Still open in {stage}, within its limit",
        "no_limit": f"Still open in {stage}, which has no limit",
    }
    return names[gap.reason]


def outcome_tones(gaps: Sequence[Row]) -> dict[Row, str]:
    """Return the colour of each outcome. The largest losses have their own colour, the others share one."""
    lost = [gap for gap in gaps if gap.fate == "lost"]
    tones = {gap: LOST_TONES[min(position, len(LOST_TONES) - 1)] for position, gap in enumerate(lost)}
    fixed = {"converted": "converted", "passed_over": "passed", "overdue": "overdue"}
    return {gap: tones.get(gap) or fixed.get(gap.reason, "open") for gap in gaps}
