"""Row classes of the funnel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class FunnelStep:
    """report.funnel: one step of the path."""

    step_rank: int
    label: str
    first_month: date | None
    last_month: date | None
    leads: int
    stopped: int
    previous_label: str | None
    previous_leads: int | None
    all_leads: int
    share_of_previous: float | None
    share_of_all: float | None


@dataclass(frozen=True)
class FunnelStop:
    """report.funnel_stops: leads that came to a step and no further, by where they are now."""

    step_rank: int
    state: str
    stage_label: str | None
    leads: int
