"""The page of one stage: what flows through it, from where and whereto, how long leads stay, how many kept to its limit."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pipeline.report import text
from pipeline.report.figures import Figures
from pipeline.report.flow.page import Volumes
from pipeline.report.layout.table import Fold, Mark, Reader, Strip, StripChart, Table
from pipeline.report.owners.sla import Limits
from pipeline.report.quality.page import KINDS
from pipeline.report.rows import StageDefinition
from pipeline.report.stage.moves import Ways, ways
from pipeline.report.stage.stays import MonthChart, months_of_exit, stay_lengths


@dataclass(frozen=True)
class StagePage:
    """One stage. What it does not have is None: nobody ever entered, no limit."""

    stage: str
    label: str
    definition: str
    facts: tuple[Mark, ...]
    flow: Fold | None
    flow_legend: tuple[Mark, ...]
    ways: Ways
    time: StripChart | None
    lengths: StripChart | None
    months: MonthChart | None
    limit_months: Table | None
    limit_owners: Table | None
    limit_note: str


def stage_pages(
    figures: Figures, volumes: Volumes, times: StripChart, limits: Limits, reader: Reader
) -> tuple[StagePage, ...]:
    """A page per stage, in the order of the configuration, stages that nobody entered included."""
    flows = {answer.rows[0].stage: answer for answer in figures.flow_by_stage if answer.rows}
    flow_of = dict(zip(flows, volumes.stages, strict=True))
    whole = {row.stage: row for row in figures.flow.rows}
    strips = {row.stage: strip for row, strip in zip(figures.times.rows, times.strips, strict=True)}
    limited = [row.stage for row in figures.limits.rows]
    months = {stage: fold.table for stage, fold in zip(limited, limits.months, strict=True)}
    owners = {stage: fold.table for stage, fold in zip(limited, limits.owners, strict=True)}
    return tuple(
        StagePage(
            stage=row.stage,
            label=row.label,
            definition=row.definition,
            facts=_facts(row),
            flow=flow_of.get(row.stage),
            flow_legend=volumes.legend,
            ways=ways(row, found, whole.get(row.stage), reader),
            time=_time(times, strips, row),
            lengths=stay_lengths(row, found.lengths, reader),
            months=months_of_exit(row, found.months, reader),
            limit_months=months.get(row.stage),
            limit_owners=owners.get(row.stage),
            limit_note=limits.note,
        )
        for row, found in zip(figures.stages.rows, figures.stays.stages, strict=True)
    )


def _time(times: StripChart, strips: dict[str, Strip], stage: StageDefinition) -> StripChart | None:
    """The chart of all stages with the one strip, on the same scale, so that two pages can be compared."""
    strip = strips.get(stage.stage)
    return replace(times, strips=(strip,), fold=None, key="times-chart") if strip else None


def _facts(stage: StageDefinition) -> tuple[Mark, ...]:
    facts = [
        ("Kind", KINDS[stage.kind]),
        ("Rank", text.count(stage.rank) if stage.rank else ""),
        ("Team", stage.team or ""),
        ("Phase", stage.phase or ""),
        ("Limit", f"{stage.sla_text}, {stage.sla_clock} clock" if stage.sla_text else ""),
    ]
    return tuple(Mark("", word, value) for word, value in facts if value)
