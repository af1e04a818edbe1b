"""Row class of report.actions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Action:
    """report.actions: one rule that fired, with its numbers."""

    rule: str
    headline_no: int | None
    stage: str | None
    stage_label: str | None
    previous_label: str | None
    dimension: str | None
    dimension_value: str | None
    current_owner: str | None
    first_month: date | None
    last_month: date | None
    units: int
    of_units: int
    share: float
    compared_share: float | None
    in_time_share: float | None
    others_in_time_share: float | None
    oldest_age_days: float | None
