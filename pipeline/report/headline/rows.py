"""Row classes of the headline rate beside earlier months, and of the months that are not final."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class HeadlineChange:
    """report.headline_change: the headline rate of a pair against earlier months."""

    headline_no: int
    from_stage: str
    to_stage: str
    from_label: str
    to_label: str
    unit: str
    window_days: int
    target: float | None
    first_month: date | None
    last_month: date | None
    entered: int
    converted: int
    rate: float | None
    base: str
    base_first_month: date | None
    base_last_month: date | None
    base_entered: int | None
    base_converted: int | None
    base_rate: float | None
    change: float | None
    direction: str | None


@dataclass(frozen=True)
class OpenMonths:
    """report.open_months: the complete months of a pair that are not final."""

    headline_no: int
    first_month: date | None
    last_month: date | None
    final_from: date | None
    entered: int
    still_open: int
    current_owner: str | None
    owner_open: int


@dataclass(frozen=True)
class ValueRate:
    """report.value_rates: the headline rate of one value of a dimension."""

    headline_no: int
    dimension: str
    value_no: int
    dimension_value: str | None
    values_inside: int
    window_days: int
    first_month: date
    last_month: date
    entered: int
    converted: int
    rate: float | None
    rate_low: float | None
    rate_high: float | None
    base_entered: int | None
    base_converted: int | None
    base_rate: float | None
    change: float | None
    direction: str | None
