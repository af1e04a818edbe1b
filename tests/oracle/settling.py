"""marts.settle_days: after how many days a cohort is final without a window, in exact fractions (docs/RULES.md K5)."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from fractions import Fraction

from pipeline.waterfall.definition import Waterfall

from .conversion import Candidate, candidates
from .curve import wait_of
from .cuts import Dimensions, legal_pairs
from .durations import Row
from .journey import Journey

ROUND_DAYS = (7, 14, 21, 30, 45, 60, 90, 120, 180, 270, 365, 540, 730, 1095)
UNITS = ("cycle", "lead", "account")
LEAST_CONVERTED, LEAST_AT_RISK = 50, 20

Settling = dict[tuple[str, str, str], int | None]
"""(unit, from, to) → settle_days."""


def settle_days(waterfall: Waterfall, journey: Journey, dimensions: Dimensions, as_of: datetime) -> list[Row]:
    """A row for each unit and pair."""
    configured = {(low, high): days for low, high, days in waterfall.settle_days}
    units = candidates(journey, dimensions)
    rows = []
    for start, goal in legal_pairs(waterfall):
        above = {stage.key for stage in waterfall.stages if stage.rank is not None and stage.rank > goal.high_rank}
        for unit in UNITS:
            own = [each for each in units if each.unit == unit]
            ages = whole_days(own, start.key, goal.key, above, as_of)
            converted = sum(1 for _, fate in ages if fate == "converted")
            rest_day, last_day = rest(ages) if converted >= LEAST_CONVERTED else (None, None)
            found = rounded(rest_day) if rest_day is not None else None
            given = configured.get((start.key, goal.key))
            rows.append(
                {
                    "unit": unit,
                    "from_stage": start.key,
                    "to_stage": goal.key,
                    "settle_days": given or found,
                    "source": "configuration" if given else "curve" if found else None,
                    "converted": converted,
                    "rest_day": rest_day,
                    "last_day": last_day,
                }
            )
    return rows


def by_unit_and_pair(rows: list[Row]) -> Settling:
    """The rows as a lookup."""
    return {(row["unit"], row["from_stage"], row["to_stage"]): row["settle_days"] for row in rows}


def whole_days(
    units: list[Candidate], start: str, goal: str, above: set[str], as_of: datetime
) -> list[tuple[int, str]]:
    """(completed days since A, converted, lost or open) of each unit that entered A."""
    waits = [wait for each in units if (wait := wait_of(each, start, goal, above, as_of)) is not None]
    return [(wait.length // timedelta(days=1), wait.fate) for wait in waits]


def rest(ages: list[tuple[int, str]]) -> tuple[int, int]:
    """(first age at 95 % of the curve's last well-founded value, the age of that value)."""
    fates = Counter(ages)
    n, waiting, share = len(ages), Fraction(1), Fraction(0)
    curve: list[tuple[int, Fraction]] = []
    last = 0
    for age in sorted({age for age, _ in ages}):
        if n >= LEAST_AT_RISK:
            last = age
        converted = fates[age, "converted"]
        ended = converted + fates[age, "lost"]
        share += waiting * Fraction(converted, n)
        waiting *= 1 - Fraction(ended, n)
        n -= ended + fates[age, "open"]
        curve.append((age, share))
    value = max(share for age, share in curve if age <= last)
    return next(age for age, share in curve if share >= value * Fraction(95, 100)), last


def rounded(days: int) -> int:
    """The next round number of days; beyond the list the next whole year."""
    return next((each for each in ROUND_DAYS if each >= days), -(-days // 365) * 365)
