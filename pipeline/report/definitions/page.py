"""The definitions page: stages with their aliases, groups, headline pairs and windows."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.report import text
from pipeline.report.figures import Figures
from pipeline.report.layout.table import Cell, Column, FootnoteBuilder, LegendItem, Table, TableRow, join_words

STAGE_KINDS = {
    "path": "on the path",
    "hold": "hold: off the path, the cycle lives on",
    "detour": "detour: the cycle ends, the lead may come back",
    "exit": "exit: the cycle ends, not expected back",
}


@dataclass(frozen=True)
class Definitions:
    """The terms of the report."""

    stages: Table
    groups: tuple[LegendItem, ...]
    pairs: tuple[LegendItem, ...]
    windows: str


def definitions(figures: Figures, footnotes: FootnoteBuilder) -> Definitions:
    """Return stages with their aliases, groups, headline pairs and windows."""
    groups: dict[str, tuple[str, str, list[str]]] = {}
    for key, label, definition, stage in figures.members:
        groups.setdefault(key, (text.isolated(label), text.isolated(definition), []))[2].append(text.isolated(stage))
    windows = [f"{days} days" for days in figures.windows]
    return Definitions(
        stages=_stages_table(figures, footnotes),
        groups=tuple(
            LegendItem("", label, join_words(members), definition) for label, definition, members in groups.values()
        ),
        pairs=tuple(
            LegendItem(
                "",
                f"{row.from_label} → {row.to_label}",
                f"target {text.rate(row.target)}" if row.target is not None else "no target",
            )
            for row in figures.headline.rows
            if row.window_days is None
        ),
        windows=join_words(["ever", *(f"within {window}" for window in windows)]),
    )


def _stages_table(figures: Figures, footnotes: FootnoteBuilder) -> Table:
    aliases: dict[int, list[str]] = {}
    for stage_no, alias in figures.aliases:
        aliases.setdefault(stage_no, []).append(alias)
    return Table(
        caption="Stages, in the order of the configuration",
        columns=(
            Column("Stage", "text"),
            Column("Rank"),
            Column("What it means", "text"),
            Column("Kind", "text"),
            Column("Team", "text"),
            Column("Phase", "text"),
            Column("Limit", "text"),
            Column("Values that name it", "text"),
        ),
        rows=tuple(
            TableRow(
                (
                    Cell(stage.label, note=stage.name if stage.name != stage.label else ""),
                    Cell(text.count(stage.rank) if stage.rank else text.DASH),
                    Cell(stage.definition, "prose"),
                    Cell(STAGE_KINDS[stage.kind], note=_stage_flags(stage.is_gate, stage.qualifies)),
                    Cell(stage.team or text.DASH),
                    Cell(stage.phase or text.DASH),
                    Cell(stage.sla_text or text.DASH, note=f"{stage.sla_clock} clock" if stage.sla_text else ""),
                    Cell(" · ".join(aliases.get(stage.stage_no, [])), "prose quiet"),
                )
            )
            for stage in figures.stages.rows
        ),
        source=footnotes.source(
            figures.stages, unit="stages", basis="the configuration of this run", denominator="none: a list"
        ),
        key="stages",
    )


def _stage_flags(is_gate: bool, qualifies: bool) -> str:
    words = [
        word
        for word, holds in (("a gate: should hold nobody", is_gate), ("qualifies the lead for its team", qualifies))
        if holds
    ]
    return "; ".join(words)
