"""What the headline counts, in words: cycles, leads or accounts."""

from __future__ import annotations

MEANINGS = {
    "cycle": "one run of a lead along the path",
    "lead": "all its runs along the path together",
    "account": "all its leads together, from the first that arrives",
}
"""The unit → what one of them is."""

END_REASONS = {
    "cycle": "the cycle ended",
    "lead": "the lead is in an exit now, or deleted",
    "account": "all its leads are in an exit now, or deleted",
}
"""The unit → why it can no longer convert."""


def plural(unit: str) -> str:
    """`accounts`."""
    return f"{unit}s"


def describe(unit: str) -> str:
    """`accounts (all its leads together …)`, for a footnote."""
    return f"{plural(unit)} ({MEANINGS[unit]})"
