"""Rows of quality.account_matching, as in `rows`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AccountMatching:
    """quality.account_matching: leads by how they came to an account or did not."""

    outcome: str
    has_account: bool
    leads: int
    share: float
