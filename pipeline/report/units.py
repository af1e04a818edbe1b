"""The units of the headline in words: cycles, leads or accounts."""

from __future__ import annotations

MEANINGS = {
    "cycle": "one run of a lead along the path",
    "lead": "all its runs along the path together",
    "account": "all its leads together, from the first that arrives",
}
"""Unit → definition."""

END_REASONS = {
    "cycle": "the cycle ended",
    "lead": "the lead is in an exit now, or deleted",
    "account": "all its leads are in an exit now, or deleted",
}
"""Unit → why it can no longer convert."""

HEADLINE_UNITS = "headline units"
"""What waterfall.how_counted calls the unit of the headline."""


def plural(unit: str) -> str:
    """Return the plural, such as `accounts`."""
    return f"{unit}s"


def describe(unit: str) -> str:
    """Return the plural with its definition for a footnote: `accounts (all its leads together …)`."""
    return f"{plural(unit)} ({MEANINGS[unit]})"


def in_words(fact: str, unit: str) -> str:
    """Return a fact of waterfall.how_counted about the headline unit of this report."""
    return describe(unit) if fact == HEADLINE_UNITS else fact.replace(HEADLINE_UNITS, plural(unit))
