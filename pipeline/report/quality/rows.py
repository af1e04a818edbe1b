"""Row classes of the data-quality page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Accounting:
    """quality.row_accounting."""

    input: str
    table_name: str
    loads: int
    rows_read: int
    filtered: int
    rejected: int
    redelivered: int
    after_as_of: int
    out_of_scope: int
    duplicates: int
    repeats: int
    kept: int


@dataclass(frozen=True)
class NewestDelivery:
    """quality.newest_deliveries."""

    input: str
    rows_read: int
    rejected: int
    unknown_stage: int


@dataclass(frozen=True)
class HistoryCoverage:
    """quality.history_coverage: whether the history of an input is complete."""

    input: str
    leads: int
    first_date: date | None
    bulk_date: date | None
    bulk_leads: int
    complete_from: date | None


@dataclass(frozen=True)
class ScopeRule:
    """quality.scope."""

    rule: str
    reason: str
    leads: int
    entries: int


@dataclass(frozen=True)
class Rejection:
    """report.rejected_reasons."""

    input: str
    file_name: str
    reason: str
    rejected: int
    first_rows: list[int]


@dataclass(frozen=True)
class UnknownStage:
    """quality.unknown_stages."""

    stage_text: str
    entries: int
    leads: int
    first_date: date
    last_date: date
    nearest_stage: str
    nearest_alias: str
    nearest_likeness: float


@dataclass(frozen=True)
class DateFinding:
    """quality.stage_dates."""

    finding: str
    stage: str
    leads: int
    entries: int
    share: float | None
    examples: list[str]


@dataclass(frozen=True)
class Coverage:
    """report.dimension_coverage."""

    dimension: str
    source: str
    stays: int
    known: int
    share_known: float | None
    distinct_values: int


@dataclass(frozen=True)
class ExpectedRateRecord:
    """report.settled_record: past expected final rates of a pair against the outcome."""

    from_label: str
    to_label: str
    estimates: int
    held: int
    below: int
    above: int
    held_share: float | None
    held_low: float | None
    held_high: float | None
    is_too_narrow: bool | None
    mean_miss: float | None
    first_date: date | None
    last_date: date | None
