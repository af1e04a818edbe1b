"""Moves into and out of one stage, ranked, and what its kind means."""

from __future__ import annotations

from typing import Any

from pipeline.database.connection import quoted
from pipeline.report import links, text
from pipeline.report.flow.page import IN_WORDS, OUT_WORDS
from pipeline.report.layout.bars import Part, bars
from pipeline.report.layout.table import Cell, Table, TableColumn, number, table, word
from pipeline.report.query import Answer, Report, Row

TONES = {
    "new": "began",
    "restored": "began",
    "advanced": "through",
    "returned": "passed",
    "sideways": "band",
    "held": "open",
    "detoured": "lost-3",
    "regressed": "lost-2",
    "exited": "lost-1",
    "deleted": "lost-4",
}
"""Kind of move → CSS class of its colour."""
NO_STAGE = {"new": "First entry", "restored": "Restored after a deletion", "deleted": "Deleted"}


def stage_moves(report: Report, stage: Row, flow: Row | None) -> dict[str, Any]:
    """Return the moves in and out of a stage, and sentences about its kind. `flow` is its balance over all history."""
    moves_out = _moves(report, stage, "out")
    return {
        "sentences": _sentences(stage, moves_out.rows, flow),
        "ways_in": _move_table(report, stage, _moves(report, stage, "in"), "in"),
        "ways_out": _move_table(report, stage, moves_out, "out"),
    }


def _moves(report: Report, stage: Row, direction: str) -> Answer:
    return report.rows(
        "report.stage_moves",
        "moves",
        where=f"stage = {quoted(stage.stage)} and direction = '{direction}'",
        order="move_no",
    )


def _move_table(report: Report, stage: Row, moves: Answer, direction: str) -> Table:
    rows = moves.rows
    largest = max((row.moves for row in rows), default=0)
    is_in = direction == "in"
    words = IN_WORDS if is_in else OUT_WORDS

    def bar(row: Row) -> list[Part]:
        return [(TONES[row.move_kind], row.moves, f"{words[row.move_kind]}: {text.count(row.moves)}")]

    return table(
        rows,
        (
            TableColumn("Stage", "", _other, "text"),
            word("Move", "move_kind", words.__getitem__),
            number("Stays", "moves"),
            bars("Share of the largest", bar, largest),
            number("Share", "share", text.rate),
            number("Median there" if is_in else "Median here", "median_days", text.days),
        ),
        caption=f"{stage.label}: where they {'came from' if is_in else 'went next'}",
        source=report.source(moves),
        key=f"ways-{direction}-{stage.stage_no}",
    )


def _other(row: Row) -> Cell:
    return Cell(
        row.other_label or NO_STAGE[row.move_kind], link=links.stage_page(row.other_stage) if row.other_stage else ""
    )


def _sentences(stage: Row, moves_out: tuple[Row, ...], flow: Row | None) -> tuple[str, ...]:
    """Return what the kind of the stage means, with numbers."""
    if flow is None or not flow.ins:
        return (
            "No lead has ever entered this stage. It is in the configuration, so it stands in every table with zeros.",
        )
    came_back = sum(row.moves for row in moves_out if row.move_kind == "returned")
    of = f"{text.count(came_back)} of {text.plural(flow.ins, 'stay')}"
    sentences = []
    if stage.is_gate:
        sentences.append(
            "This is a gate: it sends leads on and should hold nobody. "
            + (
                f"{text.plural(flow.closing, 'lead sits', 'leads sit')} in it now."
                if flow.closing
                else "Nobody sits in it now."
            )
        )
    if stage.kind == "hold":
        sentences.append(f"A hold interrupts a cycle and does not end it: {of} went back to the path.")
    elif stage.kind == "detour":
        sentences.append(f"A detour ends the cycle, and the lead may begin another: {of} went back to the path.")
    elif stage.kind == "exit":
        sentences.append(
            f"An exit ends the cycle, and nobody is expected back. {of} were reopened: the lead went back to the path."
            if came_back
            else "An exit ends the cycle, and nobody is expected back. No stay here was reopened."
        )
    elif flow.in_new == flow.ins:
        sentences.append("Every stay here is the lead’s first entry: nobody came from another stage.")
    return tuple(sentences)
