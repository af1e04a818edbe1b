"""One frozen dataclass per table of the accounts section that rows.py does not hold."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DepthPath:
    """report.account_depth_path: how deep the accounts were that arrived at a stage or group."""

    stage: str
    stage_label: str
    is_group: bool
    accounts: int
    depth_1: int
    depth_2: int
    depth_3_4: int
    depth_5_plus: int
    median_depth: float | None
    median_reached: float | None


@dataclass(frozen=True)
class PersonaCover:
    """report.persona_coverage: accounts of a stage or group at which a persona is known."""

    persona: str
    stage: str
    stage_label: str
    accounts: int
    accounts_with: int
    share: float | None


@dataclass(frozen=True)
class AccountMatching:
    """quality.account_matching: leads by how they came to an account or did not."""

    outcome: str
    has_account: bool
    leads: int
    share: float
