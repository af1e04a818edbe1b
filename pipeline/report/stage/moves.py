"""Where the leads of one stage came from and where they went next, ranked; and what its kind means for them, in words."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.report import links, text
from pipeline.report.figures import Answer
from pipeline.report.flow.page import IN_WORDS, OUT_WORDS
from pipeline.report.layout import charts
from pipeline.report.layout.table import Cell, Column, Fold, Mark, Reader, Strip, StripChart, Table, TableRow, texts
from pipeline.report.rows import Flow, StageDefinition, StuckLead
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
"""The colour of a move: onward, aside, away."""
NO_STAGE = {"new": "First entry", "restored": "Restored after a deletion", "deleted": "Deleted"}


@dataclass(frozen=True)
class Ways:
    """Both lists, and who sits in a gate."""

    says: tuple[str, ...]
    ways_in: StripChart
    ways_out: StripChart
    here: Table | None


def ways(stage: StageDefinition, found: StageFigures, flow: Flow | None, reader: Reader) -> Ways:
    """What came in and what went out. `flow` is the stage's balance over all history."""
    return Ways(
        says=_says(stage, found, flow),
        ways_in=_list(
            stage,
            found.ways_in,
            reader,
            title="Where they came from",
            words=IN_WORDS,
            before="{} there",
            denominator="all stays that began",
            key="in",
        ),
        ways_out=_list(
            stage,
            found.ways_out,
            reader,
            title="Where they went next",
            words=OUT_WORDS,
            before="{} here",
            denominator="all stays that ended",
            key="out",
        ),
        here=_here(stage, found.here, flow, reader) if found.here is not None and found.here.rows else None,
    )


def _list(
    stage: StageDefinition,
    answer: Answer[StageMove],
    reader: Reader,
    *,
    title: str,
    words: dict[str, str],
    before: str,
    denominator: str,
    key: str,
) -> StripChart:
    rows = answer.rows
    most = max((row.moves for row in rows), default=0)
    kinds = dict.fromkeys(row.move_kind for row in rows)
    return StripChart(
        title=f"{title}: {text.plural(sum(row.moves for row in rows), 'stay')}",
        strips=tuple(
            Strip(
                row.other_label or NO_STAGE[row.move_kind],
                charts.stacked_bar(
                    [(TONES[row.move_kind], row.moves, f"{words[row.move_kind]}: {text.count(row.moves)}")],
                    most,
                    f"{row.other_label or NO_STAGE[row.move_kind]}: {text.count(row.moves)}, {text.rate(row.share)}",
                    height=16,
                ),
                f"{text.count(row.moves)} · {text.rate(row.share)}",
                (f"median {before.format(text.days(row.median_days))}",) if row.median_days is not None else (),
                link=links.stage_page(row.other_stage) if row.other_stage else "",
            )
            for row in rows
        ),
        legend=tuple(Mark(TONES[kind], words[kind]) for kind in kinds),
        source=reader.source(
            answer,
            unit="stays (spans)",
            basis="all history, the stage before and the stage after each stay; days of the stay that the move ended",
            denominator=denominator,
        ),
        fold=Fold("Numbers behind the bars", _table(stage, answer, title, words, key)),
        key=f"ways ways-{key}",
    )


def _table(stage: StageDefinition, answer: Answer[StageMove], title: str, words: dict[str, str], key: str) -> Table:
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
            for row in answer.rows
        ),
        key=f"ways-{key}-{stage.stage_no}",
    )


def _says(stage: StageDefinition, found: StageFigures, flow: Flow | None) -> tuple[str, ...]:
    """What its kind means for those who were there, in sentences with numbers."""
    if flow is None or not flow.ins:
        return (
            "No lead has ever entered this stage. It is in the configuration, so it stands in every table with zeros.",
        )
    came_back = sum(row.moves for row in found.ways_out.rows if row.move_kind == "returned")
    of = f"{text.count(came_back)} of {text.plural(flow.ins, 'stay')}"
    said = []
    if stage.is_gate:
        said.append(
            "This is a gate: it sends leads on and should hold nobody. "
            + (
                f"{text.plural(flow.closing, 'lead sits', 'leads sit')} in it now."
                if flow.closing
                else "Nobody sits in it now."
            )
        )
    if stage.kind == "hold":
        said.append(f"A hold interrupts a cycle and does not end it: {of} went back to the path.")
    elif stage.kind == "detour":
        said.append(f"A detour ends the cycle, and the lead may begin another: {of} went back to the path.")
    elif stage.kind == "exit":
        said.append(
            f"An exit ends the cycle, and nobody is expected back. {of} were reopened: the lead went back to the path."
            if came_back
            else "An exit ends the cycle, and nobody is expected back. No stay here was reopened."
        )
    elif flow.in_new == flow.ins:
        said.append("Every stay here is the lead’s first entry: nobody came from another stage.")
    return tuple(said)


def _here(stage: StageDefinition, answer: Answer[StuckLead], flow: Flow | None, reader: Reader) -> Table:
    """Who sits in a gate, longest first."""
    more = (flow.closing if flow else 0) - len(answer.rows)
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
            for lead in answer.rows
        ),
        source=reader.source(answer, unit="leads (open stays)", basis="at as-of", denominator="none: a list"),
        notes=(f"and {text.count(more)} more; the query lists them all.",) if more > 0 else (),
        key=f"gate-{stage.stage_no}",
    )
