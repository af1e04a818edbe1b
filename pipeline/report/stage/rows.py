"""Rows of the report.* tables about stays, moves and where accounts stand, as in `rows`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class StayLength:
    """report.stay_lengths: stays of a stage in one class of length; edges in seconds, the upper one None for the longest."""

    basis: str
    class_no: int
    class_label: str
    from_seconds: int
    to_seconds: int | None
    stays: int
    share: float | None
    limit_seconds: int | None


@dataclass(frozen=True)
class StageMove:
    """report.stage_moves: one way into a stage or out of it."""

    move_no: int
    move_kind: str
    other_stage: str | None
    other_label: str | None
    moves: int
    share: float
    median_days: float | None


@dataclass(frozen=True)
class StageMonth:
    """report.stage_time_months: the stays of a stage that ended in a month."""

    month_start: date
    is_partial: bool
    completed: int
    median_days: float | None


@dataclass(frozen=True)
class AccountsByStage:
    """report.accounts_by_stage: accounts that stand at a path stage now, or at none."""

    stage: str | None
    label: str
    accounts: int
    leads: int
    all_accounts: int


@dataclass(frozen=True)
class AccountStanding:
    """report.account_standing: an account, its leads, where it stands and how far it came."""

    account_place: int
    account_id: str
    account_name: str | None
    leads: int
    leads_open: int
    stage_label: str | None
    furthest_label: str | None
