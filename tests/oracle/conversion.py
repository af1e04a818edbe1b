"""Conversion by cohort, for cycles, leads and accounts with the same few lines (docs/RULES.md 5)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import sqrt

from pipeline.waterfall.definition import Waterfall

from .cuts import Dimensions, Mark, legal_pairs, local_date, path_marks, period_start
from .durations import Row, days_between, quantile
from .journey import Journey
from .spans import Arrival

Z_95 = 1.959963984540054
FATES = ("converted", "passed_over", "lost", "still_open")


@dataclass(frozen=True)
class Candidate:
    """One unit: the arrivals that count as its own, and since when it can no longer convert; None while it can."""

    unit: str
    arrivals: tuple[Arrival, ...]
    stopped_at: datetime | None


@dataclass(frozen=True)
class Outcome:
    """What became of a unit that entered the from mark with arrival `start`."""

    start: Arrival
    fate: str
    days: float | None
    age: timedelta


def candidates(journey: Journey, dimensions: Dimensions) -> list[Candidate]:
    """All units of all three kinds (K1)."""
    by_cycle, by_lead, by_account = defaultdict(list), defaultdict(list), defaultdict(list)
    for arrival in journey.arrivals:
        by_lead[arrival.lead_id].append(arrival)
        if arrival.cycle_no > 0:
            by_cycle[arrival.lead_id, arrival.cycle_no].append(arrival)
        account_id = dimensions.account_of(arrival.lead_id)
        if account_id is not None:
            by_account[account_id].append(arrival)

    ended_at = {(cycle.lead_id, cycle.cycle_no): cycle.ended_at for cycle in journey.cycles}
    last_span = {span.lead_id: span for span in journey.spans}
    gone_at = {
        lead_id: span.exited_at
        if span.exit_kind == "deleted"
        else span.entered_at
        if span.stage.kind == "exit"
        else None
        for lead_id, span in last_span.items()
    }

    units = [Candidate("cycle", tuple(own), ended_at[key]) for key, own in by_cycle.items()]
    units += [Candidate("lead", tuple(own), gone_at[lead_id]) for lead_id, own in by_lead.items()]
    for own in by_account.values():
        left = [gone_at[lead_id] for lead_id in {arrival.lead_id for arrival in own}]
        known = [moment for moment in left if moment is not None]
        units.append(Candidate("account", tuple(own), max(known) if len(known) == len(left) else None))
    return units


def outcome(
    candidate: Candidate, start_mark: Mark, goal: Mark, above: set[str], window: int | None, as_of: datetime
) -> Outcome | None:
    """K1 to K3 for one unit, or None when it never entered the from mark. `above` are the stages above the goal."""
    starts = [arrival for arrival in candidate.arrivals if arrival.mark == start_mark.key]
    if not starts:
        return None
    start = min(starts, key=lambda arrival: (arrival.at, arrival.lead_id, arrival.cycle_no))
    in_time = [
        arrival
        for arrival in candidate.arrivals
        if arrival.at >= start.at and (window is None or arrival.at - start.at <= timedelta(days=window))
    ]
    age = as_of - start.at

    at_goal = [arrival.at for arrival in in_time if arrival.mark == goal.key]
    if at_goal:
        return Outcome(start, "converted", days_between(start.at, min(at_goal)), age)
    if any(arrival.mark in above for arrival in in_time):
        return Outcome(start, "passed_over", None, age)
    if candidate.stopped_at is not None or (window is not None and age >= timedelta(days=window)):
        return Outcome(start, "lost", None, age)
    return Outcome(start, "still_open", None, age)


def conversion(
    waterfall: Waterfall,
    journey: Journey,
    dimensions: Dimensions,
    grains: tuple[str, ...],
    as_of: datetime,
    settling: Mapping[tuple[str, str, str], int | None],
) -> list[Row]:
    """marts.conversion: a row for every cohort that somebody entered. `settling` has the days of (unit, from, to) of K5."""
    cohorts: dict[tuple[str, str, date | None, str, str, str, str, int | None], list[Outcome]] = defaultdict(list)
    units = candidates(journey, dimensions)
    for start_mark, goal in legal_pairs(waterfall):
        above = {stage.key for stage in waterfall.stages if stage.rank is not None and stage.rank > goal.high_rank}
        for window in (None, *waterfall.windows):
            for candidate in units:
                found = outcome(candidate, start_mark, goal, above, window, as_of)
                if found is None:
                    continue
                day = local_date(waterfall, found.start.at)
                for grain in grains:
                    for dimension in dimensions.names:
                        value = dimensions.value(dimension, found.start.span)
                        cohort_start = period_start(waterfall, grain, day)
                        cut = (candidate.unit, grain, cohort_start, dimension, value)
                        cohorts[*cut, start_mark.key, goal.key, window].append(found)
    return [
        {
            "unit": unit,
            "grain": grain,
            "cohort_start": cohort_start,
            "dimension": dimension,
            "dimension_value": value,
            "from_stage": from_stage,
            "to_stage": to_stage,
            "window_days": window,
            **measures(outcomes, window or settling[unit, from_stage, to_stage]),
        }
        for (unit, grain, cohort_start, dimension, value, from_stage, to_stage, window), outcomes in cohorts.items()
    ]


def headline_conversion(waterfall: Waterfall, journey: Journey, dimensions: Dimensions, as_of: datetime) -> list[Row]:
    """marts.headline_conversion: months of the headline pairs, each pair within its own window."""
    cohorts: dict[tuple[str, date | None, str, str, str, str, int], list[Outcome]] = defaultdict(list)
    marks = {mark.key: mark for mark in path_marks(waterfall)}
    for pair in waterfall.headline:
        start_mark, goal = marks[pair.from_key], marks[pair.to_key]
        above = {stage.key for stage in waterfall.stages if stage.rank is not None and stage.rank > goal.high_rank}
        for candidate in candidates(journey, dimensions):
            found = outcome(candidate, start_mark, goal, above, pair.window_days, as_of)
            if found is None:
                continue
            month = local_date(waterfall, found.start.at).replace(day=1)
            for dimension in dimensions.names:
                value = dimensions.value(dimension, found.start.span)
                cut = (candidate.unit, month, dimension, value)
                cohorts[*cut, pair.from_key, pair.to_key, pair.window_days].append(found)
    columns = ("unit", "cohort_start", "dimension", "dimension_value", "from_stage", "to_stage", "window_days")
    not_here = {"median_days", "p90_days"}
    return [
        dict(zip(columns, key, strict=True))
        | {name: value for name, value in measures(outcomes, key[-1]).items() if name not in not_here}
        for key, outcomes in cohorts.items()
    ]


def measures(outcomes: list[Outcome], final_days: int | None) -> Row:
    """The figures of one cohort; it is final when its youngest unit is that old, never where nobody knows how old (K5)."""
    counts = {fate: sum(1 for found in outcomes if found.fate == fate) for fate in FATES}
    days = [found.days for found in outcomes if found.days is not None]
    low, high = wilson(counts["converted"], len(outcomes))
    return {
        "entered": len(outcomes),
        **counts,
        "is_mature": final_days is not None and min(each.age for each in outcomes) >= timedelta(days=final_days),
        "rate": counts["converted"] / len(outcomes),
        "rate_low": low,
        "rate_high": high,
        "median_days": quantile(days, 0.5),
        "p90_days": quantile(days, 0.9),
    }


def wilson(converted: int, entered: int) -> tuple[float, float]:
    """The 95 % interval of converted / entered; exactly 0 or 1 at the ends, where floats would miss by a last bit."""
    share = converted / entered
    middle = share + Z_95**2 / (2 * entered)
    spread = Z_95 * sqrt(share * (1 - share) / entered + Z_95**2 / (4 * entered**2))
    scale = 1 + Z_95**2 / entered
    low = 0.0 if converted == 0 else (middle - spread) / scale
    high = 1.0 if converted == entered else (middle + spread) / scale
    return low, high
