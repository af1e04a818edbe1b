"""Row classes that only the accounts section uses."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DepthPath:
    """report.account_depth_path: depth of the accounts that arrived at a stage or group."""

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
    """report.persona_coverage: accounts of a stage or group that have a lead with the persona."""

    persona: str
    stage: str
    stage_label: str
    accounts: int
    accounts_with: int
    share: float | None


@dataclass(frozen=True)
class AccountMatching:
    """quality.account_matching: leads by how they were matched to an account."""

    outcome: str
    has_account: bool
    leads: int
    share: float
