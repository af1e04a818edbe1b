"""The page of one stage: flow, moves, time in stage and SLA."""

from __future__ import annotations

from typing import Any

from pipeline.report import answers, text
from pipeline.report.definitions.page import STAGE_KINDS
from pipeline.report.flow.page import stage_balance
from pipeline.report.layout.table import LegendItem
from pipeline.report.owners import sla
from pipeline.report.query import Report, Row
from pipeline.report.stage.here_now import leads_here_now
from pipeline.report.stage.moves import stage_moves
from pipeline.report.stage.stays import months_of_exit, stay_lengths
from pipeline.report.stage.time import times


def stage_page(report: Report, stage: Row) -> dict[str, Any]:
    """Return what the page of a stage shows. Parts without data are None."""
    flow = next((row for row in answers.stage_flow(report).rows if row.stage == stage.stage), None)
    limit = next((row for row in answers.sla(report).rows if row.stage == stage.stage), None)
    return {
        "label": stage.label,
        "definition": stage.definition,
        "facts": _facts(stage),
        "flow": stage_balance(report, stage),
        "moves": stage_moves(report, stage, flow),
        "here_now": leads_here_now(report, stage),
        "time": times(report, stage.stage),
        "lengths": stay_lengths(report, stage),
        "months": months_of_exit(report, stage),
        "sla_months": sla.by_month(report, limit).table if limit else None,
        "sla_by_owner": sla.by_owner(report, limit).table if limit else None,
        "sla_note": sla.OWNER_NOTE,
    }


def _facts(stage: Row) -> tuple[LegendItem, ...]:
    facts = [
        ("Kind", STAGE_KINDS[stage.kind]),
        ("Rank", text.count(stage.rank) if stage.rank else ""),
        ("Team", stage.team or ""),
        ("Phase", stage.phase or ""),
        ("Limit", f"{stage.sla_text}, {stage.sla_clock} clock" if stage.sla_text else ""),
    ]
    return tuple(LegendItem("", word, value) for word, value in facts if value)
