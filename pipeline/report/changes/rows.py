"""Row classes of the report.* tables that compare two months."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class RateChange:
    """report.rate_change: a headline pair in one window, the last final month against the one before."""

    headline_no: int
    from_stage: str
    to_stage: str
    from_label: str
    to_label: str
    unit: str
    window_days: int | None
    is_headline_window: bool
    latest_month: date | None
    latest_entered: int | None
    latest_converted: int | None
    latest_rate: float | None
    previous_month: date | None
    previous_entered: int | None
    previous_converted: int | None
    previous_rate: float | None
    change: float | None
    change_low: float | None
    change_high: float | None
    is_noise: bool | None
    is_enough: bool


@dataclass(frozen=True)
class ChangeSplit:
    """report.rate_change_split: a change as mix and rates, by one dimension."""

    headline_no: int
    window_days: int | None
    dimension: str
    mix_part: float
    rate_part: float
    change: float


@dataclass(frozen=True)
class ChangePart:
    """report.rate_change_parts: the part of one dimension value in a change."""

    headline_no: int
    window_days: int | None
    dimension: str
    value_no: int
    dimension_value: str | None
    values_inside: int
    latest_entered: int
    latest_share: float
    latest_rate: float | None
    previous_entered: int
    previous_share: float
    previous_rate: float | None
    mix_part: float
    rate_part: float
    change_low: float | None
    change_high: float | None
    is_noise: bool | None
    is_enough: bool


@dataclass(frozen=True)
class VolumeChange:
    """report.volume_change: arrivals at a path stage and time in it, last complete month against the one before."""

    stage: str
    label: str
    latest_month: date | None
    latest_arrivals: int | None
    previous_month: date | None
    previous_arrivals: int | None
    change: int | None
    is_noise: bool | None
    is_enough: bool | None
    latest_ended: int
    latest_median_days: float | None
    previous_ended: int
    previous_median_days: float | None
    overdue: int | None
