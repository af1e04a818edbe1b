"""Settings per pair of `[funnel]`: targets, headline windows and settling times, written as `{ "mql>sal" = 30 }`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from pipeline.waterfall.definition import Unit
from pipeline.waterfall.problems import Problems
from pipeline.waterfall.words import did_you_mean

Couple = tuple[str, str]
Value = TypeVar("Value")

DEFAULT_WINDOW_DAYS = 90
"""The headline window of a pair that neither the configuration nor the field gives one (K9)."""

MARKETING_QUALIFIED = ("mql", "marketing_qualified")
SALES_ACCEPTED = ("sal", "sales_accepted")
SALES_QUALIFIED = ("sql", "sales_qualified")
MEETING_BOOKED, MEETING_HELD = "meeting_booked", "meeting_held"


def by_pair(
    key: str, written: Mapping[str, Value] | None, known: Iterable[Couple], what: str, problems: Problems
) -> dict[Couple, Value]:
    """The values of `[funnel] key` by pair; a name that is none of `known` is a problem: "is no `what`"."""
    # A mistake in the headline pairs makes every setting of them look wrong, too.
    is_known = not problems.are_in("funnel", "headline")
    spelled = {f"{low}>{high}": (low, high) for low, high in known}
    found: dict[Couple, Value] = {}
    for name, value in (written or {}).items():
        plain = re.sub(r"\s*(?:>|→)\s*", ">", name.strip())
        turned = ">".join(reversed(plain.split(">")))
        if plain in spelled:
            found[spelled[plain]] = value
        elif is_known and turned in spelled:
            problems.add(("funnel", key, name), f"is no {what}; did you mean `{turned}`?")
        elif is_known:
            problems.add(("funnel", key, name), f"is no {what}{did_you_mean(name, spelled)}")
    return found


def usual_target(low: str, high: str) -> float | None:
    """K9: of what marketing calls qualified, sales should take all; other pairs have no natural target."""
    return 1.0 if low in MARKETING_QUALIFIED and high in (*SALES_ACCEPTED, *SALES_QUALIFIED) else None


def usual_window(low: str, high: str) -> int:
    """K9: days of the headline window: 30 for MQL→SAL and booked→held, 90 for MQL→SQL and every other pair."""
    is_acceptance = low in MARKETING_QUALIFIED and high in SALES_ACCEPTED
    return 30 if is_acceptance or is_show_rate(low, high) else DEFAULT_WINDOW_DAYS


def is_show_rate(low: str, high: str) -> bool:
    """Whether the pair is meeting booked → meeting held, whose conversion the field calls the show rate."""
    return (low, high) == (MEETING_BOOKED, MEETING_HELD)


def pair_unit(low: str, high: str, unit: Unit) -> Unit:
    """What the report counts for a pair: the unit of the run; a show rate counts cycles (K9)."""
    return "cycle" if is_show_rate(low, high) else unit
