"""Row classes that only the page of a headline pair uses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class CohortAge:
    """report.cohort_ages: the cohort of one month at one age."""

    month_start: date
    is_partial: bool
    age_no: int
    age_days: int
    entered: int
    aged: int
    converted: int | None
    is_mature: bool | None
    rate: float | None


@dataclass(frozen=True)
class GapMonth:
    """report.headline_gap_months: one outcome of the units that arrived in one month."""

    month_start: date
    fate: str
    reason: str
    stage_label: str | None
    units: int


@dataclass(frozen=True)
class ArrivalMonth:
    """report.headline_arrivals: arrivals at the second stage in one month, by their way through the first."""

    month_start: date
    is_partial: bool
    arrivals: int
    through: int
    over: int
    entered_after: int


@dataclass(frozen=True)
class MixMonth:
    """report.cohort_mix: units of one monthly cohort with one dimension value."""

    dimension: str
    value_no: int
    dimension_value: str | None
    values_inside: int
    month_start: date
    is_partial: bool
    entered: int
    cohort: int
    share: float | None
