"""The definitions page: stages with their aliases, groups, headline pairs and windows."""

from __future__ import annotations

from typing import Any

from pipeline.report import answers, text
from pipeline.report.layout.table import Cell, LegendItem, Table, TableColumn, join_words, table, word
from pipeline.report.query import Report, Row

STAGE_KINDS = {
    "path": "on the path",
    "hold": "hold: off the path, the cycle lives on",
    "detour": "detour: the cycle ends, the lead may come back",
    "exit": "exit: the cycle ends, not expected back",
}


def definitions_page(report: Report) -> dict[str, Any]:
    """Return stages with their aliases, groups, headline pairs and windows."""
    windows = report.rows("waterfall.windows", "window_days", where="window_days is not null", order="window_days").rows
    return {
        "stages": _stages_table(report),
        "groups": _groups(report),
        "pairs": tuple(
            LegendItem(
                "",
                f"{row.from_label} → {row.to_label}",
                f"target {text.rate(row.target)}" if row.target is not None else "no target",
            )
            for row in answers.headline_pairs(report)
        ),
        "windows": join_words(["ever", *(f"within {row.window_days} days" for row in windows)]),
    }


def _groups(report: Report) -> tuple[LegendItem, ...]:
    members = report.fetch(
        """
        select milestones.label, milestones.definition, list(stages.label order by stages.stage_no)
        from waterfall.milestones as milestones
        inner join waterfall.milestone_members as members on members.milestone_no = milestones.milestone_no
        inner join waterfall.stages as stages on stages.stage_no = members.stage_no
        where milestones.is_group
        group by milestones.milestone_no, milestones.label, milestones.definition
        order by milestones.milestone_no
        """
    )
    return tuple(
        LegendItem("", text.isolated(label), join_words(list(map(text.isolated, stages))), text.isolated(definition))
        for label, definition, stages in members
    )


def _stages_table(report: Report) -> Table:
    answer = report.rows("waterfall.stages", "stage_no", order="stage_no")
    aliases: dict[int, list[str]] = {}
    for stage_no, alias in report.fetch("select stage_no, alias from waterfall.stage_aliases order by stage_no, alias"):
        aliases.setdefault(stage_no, []).append(alias)
    return table(
        answer.rows,
        (
            TableColumn(
                "Stage", "", lambda row: Cell(row.label, note=row.name if row.name != row.label else ""), "text"
            ),
            TableColumn("Rank", "rank", lambda row: text.count(row.rank) if row.rank else text.DASH),
            word("What it means", "definition", tone="prose"),
            TableColumn("Kind", "", lambda row: Cell(STAGE_KINDS[row.kind], note=_flags(row)), "text"),
            word("Team", "team"),
            word("Phase", "phase"),
            TableColumn("Limit", "", _limit, "text"),
            TableColumn(
                "Values that name it",
                "",
                lambda row: Cell(" · ".join(aliases.get(row.stage_no, [])), "prose quiet"),
                "text",
            ),
        ),
        caption="Stages, in the order of the configuration",
        source=report.source(answer),
        key="stages",
    )


def _limit(row: Row) -> Cell:
    return Cell(row.sla_text or text.DASH, note=f"{row.sla_clock} clock" if row.sla_text else "")


def _flags(row: Row) -> str:
    flags = (("a gate: should hold nobody", row.is_gate), ("qualifies the lead for its team", row.qualifies))
    return "; ".join(words for words, holds in flags if holds)
