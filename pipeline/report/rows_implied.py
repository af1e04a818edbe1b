"""Rows of report.implied_comparison, as in `rows`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ImpliedComparison:
    """report.implied_comparison: one pair of stages, as observed or with implied arrivals."""

    shown_no: int
    from_stage: str
    to_stage: str
    from_label: str
    to_label: str
    basis: str
    entered: int
    converted: int
    passed_over: int
    lost: int
    still_open: int
    rate: float | None
    rate_low: float | None
    rate_high: float | None
    rate_change: float | None
