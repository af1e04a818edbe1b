"""Row classes of the two SLA tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class StageSla:
    """report.stage_sla: a stage with an SLA in one month, or in all history."""

    stage_no: int
    stage: str
    stage_label: str
    sla_text: str
    sla_clock: str
    month_start: date | None
    is_partial: bool
    met: int
    breached: int
    open_within: int
    open_overdue: int
    met_share: float | None


@dataclass(frozen=True)
class OwnerSla:
    """report.sla_by_owner: an owner's stays in a stage, and the owner's open leads."""

    owner_no: int
    owner: str
    met: int
    breached: int
    open_within: int
    open_overdue: int
    decided: int
    met_share: float | None
    met_low: float | None
    met_high: float | None
    now_within: int
    now_overdue: int
