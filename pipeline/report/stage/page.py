"""The page of one stage: flow, moves, time in stage and SLA."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pipeline.report import answers, links, text
from pipeline.report.definitions.page import STAGE_KINDS
from pipeline.report.flow.page import FLOW_LEGEND, stage_balance
from pipeline.report.layout.table import BarChart, Details, LegendItem, Table
from pipeline.report.owners import sla
from pipeline.report.query import Report, Row
from pipeline.report.stage.here_now import leads_here_now
from pipeline.report.stage.moves import StageMoves, stage_moves
from pipeline.report.stage.stays import MonthChart, months_of_exit, stay_lengths
from pipeline.report.stage.time import times


@dataclass(frozen=True)
class StagePage:
    """One stage. Parts without data are None."""

    stage: str
    label: str
    definition: str
    facts: tuple[LegendItem, ...]
    flow: Details | None
    flow_legend: tuple[LegendItem, ...]
    stage_moves: StageMoves
    here_now: Table | None
    time: BarChart | None
    lengths: BarChart | None
    months: MonthChart | None
    sla_months: Table | None
    sla_by_owner: Table | None
    sla_note: str


def stage_pages(report: Report) -> tuple[StagePage, ...]:
    """Return one page per stage, in the order of the configuration, including stages without entries."""
    chart = times(report)
    flows = {row.stage: row for row in answers.stage_flow(report).rows}
    limits = {row.stage: row for row in answers.sla(report).rows}
    return tuple(
        _page(report, row, chart, flows.get(row.stage), limits.get(row.stage)) for row in answers.stages(report)
    )


def _page(report: Report, stage: Row, chart: BarChart, flow: Row | None, limit: Row | None) -> StagePage:
    """Return the page of a stage. `flow` is its balance and `limit` its SLA over all history."""
    return StagePage(
        stage=stage.stage,
        label=stage.label,
        definition=stage.definition,
        facts=_facts(stage),
        flow=stage_balance(report, stage),
        flow_legend=FLOW_LEGEND,
        stage_moves=stage_moves(report, stage, flow),
        here_now=leads_here_now(report, stage),
        time=_time(chart, stage),
        lengths=stay_lengths(report, stage),
        months=months_of_exit(report, stage),
        sla_months=sla.by_month(report, limit).table if limit else None,
        sla_by_owner=sla.by_owner(report, limit).table if limit else None,
        sla_note=sla.OWNER_NOTE,
    )


def _time(chart: BarChart, stage: Row) -> BarChart | None:
    """Return the chart of all stages reduced to one, on the same scale, so that pages can be compared."""
    rows = tuple(row for row in chart.rows if row.link == links.stage_page(stage.stage))
    return replace(chart, rows=rows, details=None, key="times-chart") if rows else None


def _facts(stage: Row) -> tuple[LegendItem, ...]:
    facts = [
        ("Kind", STAGE_KINDS[stage.kind]),
        ("Rank", text.count(stage.rank) if stage.rank else ""),
        ("Team", stage.team or ""),
        ("Phase", stage.phase or ""),
        ("Limit", f"{stage.sla_text}, {stage.sla_clock} clock" if stage.sla_text else ""),
    ]
    return tuple(LegendItem("", word, value) for word, value in facts if value)
