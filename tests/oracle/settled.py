"""What immature cohorts are expected to come to, unit by unit, and what came of past expectations (docs/RULES.md K6)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import ceil, floor, sqrt
from zoneinfo import ZoneInfo

from pipeline.config.funnel import pair_unit
from pipeline.waterfall.definition import Waterfall

from .conversion import Z_95, Candidate, candidates
from .curve import Step, Wait, steps_of, wait_of
from .cuts import Dimensions, legal_pairs, local_date, period_start, periods
from .durations import Row
from .journey import Journey
from .settling import Settling

PAST = 12


@dataclass(frozen=True)
class Known:
    """A unit as it was known at some instant, and what is known of it today."""

    then: Wait
    today: Wait
    cohort_start: date


@dataclass(frozen=True)
class Chance:
    """The chance that a unit still open converts, its standard error, and how far off the truth may lie (97.5 % each way)."""

    value: float
    error: float
    downward: float
    upward: float


def settled_estimates(
    waterfall: Waterfall, journey: Journey, dimensions: Dimensions, as_of: datetime, settling: Settling
) -> list[Row]:
    """marts.settled_estimates: every cohort with somebody open, now and at the last twelve ends of a month."""
    headline = {(pair.from_key, pair.to_key) for pair in waterfall.headline}
    everyone = candidates(journey, dimensions)
    rows: list[Row] = []
    for as_of_no, instant, day in instants(waterfall, journey, as_of):
        for start, goal in legal_pairs(waterfall):
            if (start.key, goal.key) not in headline:
                continue
            above = {stage.key for stage in waterfall.stages if stage.rank is not None and stage.rank > goal.high_rank}
            counted = pair_unit(start.key, goal.key, waterfall.unit)
            units = [each for each in everyone if each.unit == counted]
            final_days = settling[counted, start.key, goal.key]
            known: list[Known] = []
            for unit in units:
                then = wait_of(as_known(unit, instant), start.key, goal.key, above, instant)
                today = wait_of(unit, start.key, goal.key, above, as_of)
                if then is not None and today is not None:
                    month = period_start(waterfall, "month", local_date(waterfall, then.start.entered_at))
                    assert month is not None
                    known.append(Known(then, today, month))
            rows += [
                {
                    "as_of_no": as_of_no,
                    "as_of_at": instant.astimezone(UTC).replace(tzinfo=None),
                    "as_of_date": day,
                    "from_stage": start.key,
                    "to_stage": goal.key,
                    **row,
                }
                for row in cohorts_of(known, final_days, as_of)
            ]
    return rows


def settled_backtest(estimates: list[Row]) -> list[Row]:
    """quality.settled_backtest: past estimates of monthly cohorts that are final now."""
    rows = []
    for row in estimates:
        if row["as_of_no"] == 0 or row["grain"] != "month" or not row["is_final_now"] or row["estimate"] is None:
            continue
        came = row["converted_by_now"] / row["entered"]
        kept = ("from_stage", "to_stage", "as_of_date", "cohort_start", "entered", "converted", "still_open")
        rows.append(
            {
                **{name: row[name] for name in (*kept, "estimate", "low", "high")},
                "came": came,
                "is_inside": row["low"] <= came <= row["high"],
            }
        )
    return rows


def instants(waterfall: Waterfall, journey: Journey, as_of: datetime) -> list[tuple[int, datetime, date]]:
    """(number, instant, local day): 0 is as-of, then the last second of each month that is over, newest first."""
    found = [(0, as_of, local_date(waterfall, as_of))]
    months = [month for month in periods(waterfall, journey, "month", as_of) if month is not None]
    for number, month in enumerate(months[:0:-1][:PAST], 1):
        found.append((number, begins(waterfall, month) - timedelta(seconds=1), month - timedelta(days=1)))
    return found


def begins(waterfall: Waterfall, day: date) -> datetime:
    """The first instant at which the clock shows that day or later: tried quarter by quarter of an hour."""
    zone = ZoneInfo(waterfall.timezone)
    midnight = datetime.combine(day, time())
    instant = midnight.replace(tzinfo=UTC) - timedelta(days=1)
    while instant.astimezone(zone).replace(tzinfo=None) < midnight:
        instant += timedelta(minutes=15)
    return instant


def as_known(unit: Candidate, instant: datetime) -> Candidate:
    """The unit without what happened after that instant."""
    stopped_at = unit.stopped_at if unit.stopped_at is not None and unit.stopped_at <= instant else None
    return Candidate(unit.unit, tuple(each for each in unit.arrivals if each.at <= instant), stopped_at)


def cohorts_of(known: list[Known], final_days: int | None, as_of: datetime) -> list[Row]:
    """A row per month that has somebody open, and one for all months together."""
    if all(each.then.fate != "open" for each in known):
        return []
    steps = steps_of([each.then for each in known])
    cohorts: dict[tuple[str, date | None], list[Known]] = defaultdict(list)
    for each in known:
        cohorts["all", None].append(each)
        cohorts["month", each.cohort_start].append(each)
    return [
        {
            "grain": grain,
            "cohort_start": cohort_start,
            **measures(own, steps),
            "is_final_now": final_days is not None
            and as_of - max(each.then.start.entered_at for each in own) >= timedelta(days=final_days),
        }
        for (grain, cohort_start), own in cohorts.items()
        if any(each.then.fate == "open" for each in own)
    ]


def measures(own: list[Known], steps: list[Step]) -> Row:
    """Counts, estimate and interval of one cohort, from the curve of all."""
    entered = len(own)
    converted = sum(1 for each in own if each.then.fate == "converted")
    still_open = [each for each in own if each.then.fate == "open"]
    row: Row = {
        "entered": entered,
        "converted": converted,
        "still_open": len(still_open),
        "estimate": None,
        "low": None,
        "high": None,
        "converted_by_now": sum(1 for each in own if each.today.fate == "converted"),
        "open_by_now": sum(1 for each in own if each.today.fate == "open"),
    }
    if all(step.c == 0 for step in steps):
        return row
    chances = [chance_after(each.then.length, steps) for each in still_open]
    settled = converted + sum(each.value for each in chances)
    scatter = sum(each.value * (1 - each.value) for each in chances)
    down = sqrt(Z_95**2 * max(scatter, 0) + sum(each.downward for each in chances) ** 2)
    up = sqrt(Z_95**2 * max(scatter, 0) + sum(each.upward for each in chances) ** 2)
    # What doubles leave beside a whole number is no unit more or less.
    low = max(floor(round(settled - down, 4)), converted)
    high = min(ceil(round(settled + up, 4)), converted + len(still_open))
    row["estimate"] = min(max(settled, low), high) / entered
    row["low"], row["high"] = low / entered, high / entered
    return row


def chance_after(age: timedelta, steps: list[Step]) -> Chance:
    """Of those who wait that long: the share that still converts, with Greenwood's standard error."""
    waiting = 1.0
    for step in steps:
        if step.length <= age:
            waiting *= 1 - step.d / step.n
    later = [step for step in steps if step.length > age]
    to_come = sum(step.waiting_before * step.c / step.n for step in later)
    total = 0.0
    for position, step in enumerate(later):
        beyond = sum(each.waiting_before * each.c / each.n for each in later[position + 1 :])
        if step.n > step.d:
            total += beyond**2 * step.d / (step.n * (step.n - step.d))
        total += step.waiting_before**2 * step.c * (step.n - step.c) / step.n**3
        total -= 2 * beyond * step.waiting_before * step.c / step.n**2
    error = sqrt(max(total, 0.0)) / waiting
    came = sum(step.c for step in later)
    decided = sum(step.d for step in later)
    # With a greater chance than this not all of the decided would have missed it, 39 times of 40.
    rare = 1 - 0.025 ** (1 / decided) if decided else 1.0
    if came == 0:
        return Chance(0.0, 0.0, 0.0, rare)
    downward = max(Z_95 * error, rare) if came == decided else Z_95 * error
    return Chance(min(to_come / waiting, 1.0), error, downward, Z_95 * error)
