"""Row classes about stays, moves and current stages of accounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class StayLength:
    """report.stay_lengths: stays in one length class. `to_seconds` is None for the longest class."""

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
    """report.stage_moves: moves between a stage and one other stage, in one direction."""

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
    """report.accounts_by_stage: accounts now at a path stage, or at none."""

    stage: str | None
    label: str
    accounts: int
    leads: int
    all_accounts: int


@dataclass(frozen=True)
class AccountStanding:
    """report.account_standing: an account, its leads, its current stage and its furthest stage."""

    account_place: int
    account_id: str
    account_name: str | None
    leads: int
    leads_open: int
    stage_label: str | None
    furthest_label: str | None
