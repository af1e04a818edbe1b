"""Conversion by days since A, (docs/RULES.md K6): Aalen and Johansen with loops."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, log, sqrt

from pipeline.waterfall.definition import Waterfall

from .conversion import Z_95, Candidate, candidates
from .cuts import Dimensions, legal_pairs
from .durations import Row
from .journey import Journey
from .spans import Span

LAST_DAY = 730
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Wait:
    """How long a unit waited for B, and what ended it: converted, lost (passed over as well), or as-of (open)."""

    start: Span
    length: timedelta
    fate: str


@dataclass(frozen=True)
class Step:
    """One instant at which somebody leaves: n still waiting, c of them convert, d end in any way; shares before and after."""

    length: timedelta
    n: int
    c: int
    d: int
    waiting_before: float
    converted: float
    lost: float


def conversion_curve(waterfall: Waterfall, journey: Journey, dimensions: Dimensions, as_of: datetime) -> list[Row]:
    """marts.conversion_curve: headline pairs only, every day to the last event or age."""
    headline = {(pair.from_key, pair.to_key) for pair in waterfall.headline}
    waits: dict[tuple[str, str, str, str, str], list[Wait]] = defaultdict(list)
    units = candidates(journey, dimensions)
    for start_mark, goal in legal_pairs(waterfall):
        if (start_mark.key, goal.key) not in headline:
            continue
        above = {stage.key for stage in waterfall.stages if stage.rank is not None and stage.rank > goal.high_rank}
        for candidate in units:
            wait = wait_of(candidate, start_mark.key, goal.key, above, as_of)
            if wait is None:
                continue
            for dimension in dimensions.names:
                value = dimensions.value(dimension, wait.start)
                waits[candidate.unit, dimension, value, start_mark.key, goal.key].append(wait)
    return [
        {
            "unit": unit,
            "dimension": dimension,
            "dimension_value": value,
            "from_stage": from_stage,
            "to_stage": to_stage,
            **row,
        }
        for (unit, dimension, value, from_stage, to_stage), own in waits.items()
        for row in days_of(own)
    ]


def wait_of(candidate: Candidate, start_key: str, goal_key: str, above: set[str], as_of: datetime) -> Wait | None:
    """The wait of one unit in completed days, or None when it never entered A."""
    starts = [arrival for arrival in candidate.arrivals if arrival.mark == start_key]
    if not starts:
        return None
    start = min(starts, key=lambda arrival: (arrival.at, arrival.lead_id, arrival.cycle_no))
    later = [arrival for arrival in candidate.arrivals if arrival.at >= start.at]
    at_goal = [arrival.at for arrival in later if arrival.mark == goal_key]
    passed = [arrival.at for arrival in later if arrival.mark in above]
    if at_goal:
        ended_at, fate = min(at_goal), "converted"
    elif passed:
        ended_at, fate = min(passed), "lost"
    elif candidate.stopped_at is not None:
        ended_at, fate = candidate.stopped_at, "lost"
    else:
        ended_at, fate = as_of, "open"
    return Wait(start.span, (ended_at - start.at) // ONE_DAY * ONE_DAY, fate)


def steps_of(waits: list[Wait]) -> list[Step]:
    """Every such instant in order; events come before the censoring of the same instant."""
    fates = Counter((wait.length, wait.fate) for wait in waits)
    waiting, converted, lost, n = 1.0, 0.0, 0.0, len(waits)
    steps: list[Step] = []
    for length in sorted({wait.length for wait in waits}):
        c = fates[length, "converted"]
        d = c + fates[length, "lost"]
        before = waiting
        converted += before * c / n
        lost += before * (d - c) / n
        waiting *= 1 - d / n
        # Everybody converted: exactly one.
        everybody = c == n and lost == 0
        steps.append(Step(length, n, c, d, before, 1.0 if everybody else converted, lost))
        n -= d + fates[length, "open"]
    return steps


def variance(known: list[Step]) -> float:
    """Greenwood's variance of the share converted after the last of these steps (Collett, 3rd ed., p. 411)."""
    now = known[-1].converted
    total = 0.0
    for step in known:
        still = now - step.converted
        if step.n > step.d:
            total += still**2 * step.d / (step.n * (step.n - step.d))
        total += step.waiting_before**2 * step.c * (step.n - step.c) / step.n**3
        total -= 2 * still * step.waiting_before * step.c / step.n**2
    return total


def days_of(waits: list[Wait]) -> list[Row]:
    """A row for each day to the last, at most 730."""
    steps = steps_of(waits)
    lengths = [step.length for step in steps]
    everyone = sorted(wait.length for wait in waits)
    rows: list[Row] = []
    known: list[Step] = []
    low, high = None, None
    for day in range(LAST_DAY + 1):
        end = day * ONE_DAY
        if bisect_right(lengths, end) > len(known):
            known = steps[: bisect_right(lengths, end)]
            low, high = interval(known)
        rows.append(
            {
                "day": day,
                "at_risk": len(everyone) - bisect_left(everyone, end),
                "converted_share": known[-1].converted if known else 0.0,
                "low": low,
                "high": high,
                "lost_share": known[-1].lost if known else 0.0,
            }
        )
        if end >= lengths[-1]:
            break
    return rows


def interval(known: list[Step]) -> tuple[float | None, float | None]:
    """95 % on the scale log(-log share); none at 0 and 1."""
    if not known or known[-1].converted in (0, 1):
        return None, None
    share = known[-1].converted
    width = Z_95 * sqrt(variance(known)) / (share * -log(share))
    return exp(log(share) * exp(width)), exp(log(share) * exp(-width))
