"""Row class of report.stage_summary."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class StageSummary:
    """report.stage_summary: a stage now, in the last complete month and in the one before."""

    stage: str
    stage_label: str
    kind: str
    now: int
    month_start: date | None
    ins: int | None
    outs: int | None
    closing: int | None
    before_start: date | None
    ins_before: int | None
    outs_before: int | None
    closing_before: int | None
    completed: int | None
    median_days: float | None
    completed_before: int | None
    median_days_before: float | None
    next_label: str | None
    next_entered: int | None
    next_converted: int | None
    next_rate: float | None
    overdue: int | None
