"""Row classes of implied comparisons, routes, origins and qualifications."""

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


@dataclass(frozen=True)
class RouteConversion:
    """report.conversion_by_route: one pair after qualification, for one route."""

    shown_no: int
    from_stage: str
    to_stage: str
    from_label: str
    to_label: str
    route: str
    entered: int
    converted: int
    passed_over: int
    lost: int
    still_open: int
    rate: float | None
    rate_low: float | None
    rate_high: float | None
    mature_months: int
    mature_entered: int
    mature_converted: int
    mature_rate: float | None
    mature_low: float | None
    mature_high: float | None


@dataclass(frozen=True)
class OriginSource:
    """report.origin_sources: the number of leads whose origin comes from one source."""

    source: str
    leads: int
    share: float | None


@dataclass(frozen=True)
class Qualification:
    """report.qualifications: a team, or `direct`, and the cycles it qualified."""

    qualified_by: str
    cycles: int
    share: float
