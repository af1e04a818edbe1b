"""Conversion past qualification by the route into A: a qualifying stage before it, or none (docs/RULES.md 5)."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime

from pipeline.waterfall.definition import Waterfall

from .conversion import Outcome, candidates, measures, outcome
from .cuts import Dimensions, legal_pairs, local_date, period_start
from .durations import Row
from .journey import Journey
from .settling import Settling
from .spans import Arrival

FIGURES = (
    "entered",
    "converted",
    "passed_over",
    "lost",
    "still_open",
    "is_mature",
    "rate",
    "rate_low",
    "rate_high",
)


def conversion_by_route(
    waterfall: Waterfall, journey: Journey, dimensions: Dimensions, as_of: datetime, settling: Settling
) -> list[Row]:
    """marts.conversion_by_route: cycles, ever, by month and in all; a row wherever somebody came that way."""
    ranks = [stage.rank for stage in waterfall.stages if stage.qualifies and stage.rank is not None]
    cohorts: dict[tuple[str, date | None, str, str, str], list[Outcome]] = defaultdict(list)
    cycles = [each for each in candidates(journey, dimensions) if each.unit == "cycle"]
    for start, goal in legal_pairs(waterfall):
        if not ranks or start.low_rank <= min(ranks):
            continue
        above = {stage.key for stage in waterfall.stages if stage.rank is not None and stage.rank > goal.high_rank}
        for cycle in cycles:
            found = outcome(cycle, start, goal, above, None, as_of)
            if found is None:
                continue
            route = "qualified" if was_qualified(cycle.arrivals, found.start) else "direct"
            month = period_start(waterfall, "month", local_date(waterfall, found.start.at))
            for grain, cohort_start in (("month", month), ("all", None)):
                for each in ("all", route):
                    cohorts[grain, cohort_start, each, start.key, goal.key].append(found)
    return [
        {"grain": grain, "cohort_start": cohort_start, "route": route, "from_stage": from_stage, "to_stage": to_stage}
        | {
            figure: value
            for figure, value in measures(outcomes, settling["cycle", from_stage, to_stage]).items()
            if figure in FIGURES
        }
        for (grain, cohort_start, route, from_stage, to_stage), outcomes in cohorts.items()
    ]


def was_qualified(arrivals: tuple[Arrival, ...], start: Arrival) -> bool:
    """Whether the cycle had been in a qualifying stage before its stay that began with `start`."""
    return any(arrival.span.stage.qualifies and arrival.span.span_no < start.span.span_no for arrival in arrivals)
