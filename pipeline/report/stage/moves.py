"""Moves into and out of one stage, ranked, and what its kind means."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.database.connection import quoted
from pipeline.report import links, text
from pipeline.report.flow.page import IN_WORDS, OUT_WORDS
from pipeline.report.layout import charts
from pipeline.report.layout.table import (
    BarChart,
    BarRow,
    Details,
    LegendItem,
    TableColumn,
    number,
    table,
    word,
)
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


@dataclass(frozen=True)
class StageMoves:
    """Moves in and out."""

    sentences: tuple[str, ...]
    moves_in: BarChart
    moves_out: BarChart


def stage_moves(report: Report, stage: Row, flow: Row | None) -> StageMoves:
    """Return the moves of a stage. `flow` is its balance over all history."""
    moves_in, moves_out = _moves(report, stage, "in"), _moves(report, stage, "out")
    return StageMoves(
        sentences=_sentences(stage, moves_out.rows, flow),
        moves_in=_move_chart(
            report,
            stage,
            moves_in,
            title="Where they came from",
            words=IN_WORDS,
            before="{} there",
            denominator="all stays that began",
            key="in",
        ),
        moves_out=_move_chart(
            report,
            stage,
            moves_out,
            title="Where they went next",
            words=OUT_WORDS,
            before="{} here",
            denominator="all stays that ended",
            key="out",
        ),
    )


def _moves(report: Report, stage: Row, direction: str) -> Answer:
    return report.rows(
        "report.stage_moves",
        "moves",
        where=f"stage = {quoted(stage.stage)} and direction = '{direction}'",
        order="move_no",
    )


def _move_chart(
    report: Report,
    stage: Row,
    moves: Answer,
    *,
    title: str,
    words: dict[str, str],
    before: str,
    denominator: str,
    key: str,
) -> BarChart:
    rows = moves.rows
    largest = max((row.moves for row in rows), default=0)
    kinds = dict.fromkeys(row.move_kind for row in rows)
    return BarChart(
        title=f"{title}: {text.plural(sum(row.moves for row in rows), 'stay')}",
        rows=tuple(
            BarRow(
                _other(row),
                charts.stacked_bar(
                    [(TONES[row.move_kind], row.moves, f"{words[row.move_kind]}: {text.count(row.moves)}")],
                    largest,
                    f"{_other(row)}: {text.count(row.moves)}, {text.rate(row.share)}",
                    height=16,
                ),
                f"{text.count(row.moves)} · {text.rate(row.share)}",
                (f"median {before.format(text.days(row.median_days))}",) if row.median_days is not None else (),
                link=links.stage_page(row.other_stage) if row.other_stage else "",
            )
            for row in rows
        ),
        legend=tuple(LegendItem(TONES[kind], words[kind]) for kind in kinds),
        source=report.source(
            moves,
            unit="stays (spans)",
            basis="all history, the stage before and the stage after each stay; days of the stay that the move ended",
            denominator=denominator,
        ),
        details=Details(
            "Numbers behind the bars",
            table(
                rows,
                (
                    TableColumn("Stage", "", _other, "text"),
                    word("Move", "move_kind", words.__getitem__),
                    number("Stays", "moves"),
                    number("Share", "share", text.rate),
                    number("Median", "median_days", text.days),
                ),
                caption=f"{stage.label}: {title[0].lower()}{title[1:]}",
                key=f"ways-{key}-{stage.stage_no}",
            ),
        ),
        key=f"ways ways-{key}",
    )


def _other(row: Row) -> str:
    return row.other_label or NO_STAGE[row.move_kind]


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
