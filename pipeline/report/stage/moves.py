"""Moves into and out of one stage, ranked, and what its kind means."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.report import links, text
from pipeline.report.flow.page import IN_WORDS, OUT_WORDS
from pipeline.report.layout import charts
from pipeline.report.layout.table import (
    BarChart,
    BarRow,
    Cell,
    Column,
    Details,
    FootnoteBuilder,
    LegendItem,
    Table,
    TableRow,
    texts,
)
from pipeline.report.query import QueryResult
from pipeline.report.rows import Flow, OpenLead, StageDefinition
from pipeline.report.stage.figures import StageFigures
from pipeline.report.stage.rows import StageMove

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
    """Moves in and out, and the leads in a gate."""

    sentences: tuple[str, ...]
    moves_in: BarChart
    moves_out: BarChart
    in_gate: Table | None


def stage_moves(
    stage: StageDefinition, figures: StageFigures, flow: Flow | None, footnotes: FootnoteBuilder
) -> StageMoves:
    """Return the moves of a stage. `flow` is its balance over all history."""
    return StageMoves(
        sentences=_sentences(stage, figures, flow),
        moves_in=_move_chart(
            stage,
            figures.moves_in,
            footnotes,
            title="Where they came from",
            words=IN_WORDS,
            before="{} there",
            denominator="all stays that began",
            key="in",
        ),
        moves_out=_move_chart(
            stage,
            figures.moves_out,
            footnotes,
            title="Where they went next",
            words=OUT_WORDS,
            before="{} here",
            denominator="all stays that ended",
            key="out",
        ),
        in_gate=_gate_table(stage, figures.in_gate, flow, footnotes)
        if figures.in_gate is not None and figures.in_gate.rows
        else None,
    )


def _move_chart(
    stage: StageDefinition,
    result: QueryResult[StageMove],
    footnotes: FootnoteBuilder,
    *,
    title: str,
    words: dict[str, str],
    before: str,
    denominator: str,
    key: str,
) -> BarChart:
    rows = result.rows
    largest = max((row.moves for row in rows), default=0)
    kinds = dict.fromkeys(row.move_kind for row in rows)
    return BarChart(
        title=f"{title}: {text.plural(sum(row.moves for row in rows), 'stay')}",
        rows=tuple(
            BarRow(
                row.other_label or NO_STAGE[row.move_kind],
                charts.stacked_bar(
                    [(TONES[row.move_kind], row.moves, f"{words[row.move_kind]}: {text.count(row.moves)}")],
                    largest,
                    f"{row.other_label or NO_STAGE[row.move_kind]}: {text.count(row.moves)}, {text.rate(row.share)}",
                    height=16,
                ),
                f"{text.count(row.moves)} · {text.rate(row.share)}",
                (f"median {before.format(text.days(row.median_days))}",) if row.median_days is not None else (),
                link=links.stage_page(row.other_stage) if row.other_stage else "",
            )
            for row in rows
        ),
        legend=tuple(LegendItem(TONES[kind], words[kind]) for kind in kinds),
        source=footnotes.source(
            result,
            unit="stays (spans)",
            basis="all history, the stage before and the stage after each stay; days of the stay that the move ended",
            denominator=denominator,
        ),
        details=Details("Numbers behind the bars", _table(stage, result, title, words, key)),
        key=f"ways ways-{key}",
    )


def _table(
    stage: StageDefinition, result: QueryResult[StageMove], title: str, words: dict[str, str], key: str
) -> Table:
    return Table(
        caption=f"{stage.label}: {title[0].lower()}{title[1:]}",
        columns=(Column("Stage", "text"), Column("Move", "text"), Column("Stays"), Column("Share"), Column("Median")),
        rows=tuple(
            TableRow(
                (
                    Cell(row.other_label or NO_STAGE[row.move_kind]),
                    Cell(words[row.move_kind]),
                    *texts(text.count(row.moves), text.rate(row.share), text.days(row.median_days)),
                )
            )
            for row in result.rows
        ),
        key=f"ways-{key}-{stage.stage_no}",
    )


def _sentences(stage: StageDefinition, figures: StageFigures, flow: Flow | None) -> tuple[str, ...]:
    """Return what the kind of the stage means, with numbers."""
    if flow is None or not flow.ins:
        return (
            "No lead has ever entered this stage. It is in the configuration, so it stands in every table with zeros.",
        )
    came_back = sum(row.moves for row in figures.moves_out.rows if row.move_kind == "returned")
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


def _gate_table(
    stage: StageDefinition, result: QueryResult[OpenLead], flow: Flow | None, footnotes: FootnoteBuilder
) -> Table:
    """Return the leads in a gate, oldest first."""
    more = (flow.closing if flow else 0) - len(result.rows)
    return Table(
        caption=f"Who sits in {stage.label} now, longest first",
        columns=(
            Column("Lead", "text"),
            Column("Account", "text"),
            Column("Since", "text"),
            Column("Age"),
        ),
        rows=tuple(
            TableRow(
                (
                    Cell(lead.lead_id, "id"),
                    Cell(lead.account_id or text.DASH, "id"),
                    Cell(text.day(lead.entered_date)),
                    Cell(text.days(lead.age_days)),
                )
            )
            for lead in result.rows
        ),
        source=footnotes.source(result, unit="leads (open stays)", basis="at as-of", denominator="none: a list"),
        notes=(f"and {text.count(more)} more; the query lists them all.",) if more > 0 else (),
        key=f"gate-{stage.stage_no}",
    )
