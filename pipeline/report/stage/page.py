"""The page of one stage: flow, moves, time in stage and SLA."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pipeline.report import text
from pipeline.report.definitions.page import STAGE_KINDS
from pipeline.report.figures import Figures
from pipeline.report.flow.page import Volumes
from pipeline.report.layout.table import BarChart, BarRow, Details, FootnoteBuilder, LegendItem, Table
from pipeline.report.owners.sla import SlaSection
from pipeline.report.rows import StageDefinition
from pipeline.report.stage.moves import StageMoves, stage_moves
from pipeline.report.stage.stays import MonthChart, months_of_exit, stay_lengths


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
    time: BarChart | None
    lengths: BarChart | None
    months: MonthChart | None
    sla_months: Table | None
    sla_by_owner: Table | None
    sla_note: str


def stage_pages(
    figures: Figures, volumes: Volumes, times: BarChart, sla_section: SlaSection, footnotes: FootnoteBuilder
) -> tuple[StagePage, ...]:
    """Return one page per stage, in the order of the configuration, including stages without entries."""
    flows = {result.rows[0].stage: result for result in figures.flow.by_stage if result.rows}
    flow_of = dict(zip(flows, volumes.stages, strict=True))
    whole = {row.stage: row for row in figures.flow.stages.rows}
    bar_rows = {row.stage: bar_row for row, bar_row in zip(figures.times.rows, times.rows, strict=True)}
    sla_stages = [row.stage for row in figures.sla.stages.rows]
    months = {stage: details.table for stage, details in zip(sla_stages, sla_section.months, strict=True)}
    owners = {stage: details.table for stage, details in zip(sla_stages, sla_section.owners, strict=True)}
    return tuple(
        StagePage(
            stage=row.stage,
            label=row.label,
            definition=row.definition,
            facts=_facts(row),
            flow=flow_of.get(row.stage),
            flow_legend=volumes.legend,
            stage_moves=stage_moves(row, stage_figures, whole.get(row.stage), footnotes),
            time=_time(times, bar_rows, row),
            lengths=stay_lengths(row, stage_figures.lengths, footnotes),
            months=months_of_exit(row, stage_figures.months, footnotes),
            sla_months=months.get(row.stage),
            sla_by_owner=owners.get(row.stage),
            sla_note=sla_section.note,
        )
        for row, stage_figures in zip(figures.stages.rows, figures.stays.stages, strict=True)
    )


def _time(times: BarChart, bar_rows: dict[str, BarRow], stage: StageDefinition) -> BarChart | None:
    """Return the chart of all stages reduced to one, on the same scale, so that pages can be compared."""
    bar_row = bar_rows.get(stage.stage)
    return replace(times, rows=(bar_row,), details=None, key="times-chart") if bar_row else None


def _facts(stage: StageDefinition) -> tuple[LegendItem, ...]:
    facts = [
        ("Kind", STAGE_KINDS[stage.kind]),
        ("Rank", text.count(stage.rank) if stage.rank else ""),
        ("Team", stage.team or ""),
        ("Phase", stage.phase or ""),
        ("Limit", f"{stage.sla_text}, {stage.sla_clock} clock" if stage.sla_text else ""),
    ]
    return tuple(LegendItem("", word, value) for word, value in facts if value)
