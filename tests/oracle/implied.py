"""What arrivals that nobody saw would change: skipped stages, and conversion with and without them (docs/RULES.md 3, E9)."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime

from pipeline.waterfall.definition import Stage, Waterfall

from .conversion import FATES, wilson
from .cuts import legal_pairs
from .durations import Row
from .journey import Journey
from .spans import Cycle, rank

Moments = dict[str, datetime]
"""Stage key → arrival of one cycle there, path stages only."""


def implied_arrivals(waterfall: Waterfall, journey: Journey) -> list[Row]:
    """journey.implied_arrivals: a row for each stage that a cycle left out on its way up; nothing unless asked for."""
    if not waterfall.implied:
        return []
    seen = _seen(waterfall, journey)
    rows = []
    for cycle in journey.cycles:
        own = seen[cycle.lead_id, cycle.cycle_no]
        for skipped, implied_at in _implied(waterfall, cycle, own).items():
            above = [
                span.stage
                for span in journey.spans
                if (span.lead_id, span.cycle_no) == (cycle.lead_id, cycle.cycle_no)
                and span.stage.rank is not None
                and span.stage.rank > rank(waterfall.stage(skipped))
            ]
            rows.append(
                {
                    "lead_id": cycle.lead_id,
                    "cycle_no": cycle.cycle_no,
                    "stage": skipped,
                    "implied_at": implied_at.replace(tzinfo=None),
                    "basis": "implied",
                    "implied_by": above[0].key,
                    "days_in_stage": None,
                }
            )
    return rows


def implied_comparison(waterfall: Waterfall, journey: Journey) -> list[Row]:
    """report.implied_comparison without labels: both bases of every headline pair and neighbour pair of two stages."""
    if not waterfall.implied:
        return []
    seen = _seen(waterfall, journey)
    rows = []
    for start, goal in _pairs(waterfall):
        for basis in ("observed", "with_implied"):
            fates: Counter[str] = Counter()
            for cycle in journey.cycles:
                own = dict(seen[cycle.lead_id, cycle.cycle_no])
                if basis == "with_implied":
                    own |= _implied(waterfall, cycle, own)
                if start.key in own:
                    fates[_fate(waterfall, cycle, own, own[start.key], goal)] += 1
            entered = fates.total()
            low, high = wilson(fates["converted"], entered) if entered else (None, None)
            rows.append(
                {
                    "from_stage": start.key,
                    "to_stage": goal.key,
                    "basis": basis,
                    "entered": entered,
                    **{fate: fates[fate] for fate in FATES},
                    "rate": fates["converted"] / entered if entered else None,
                    "rate_low": low,
                    "rate_high": high,
                }
            )
    return rows


def _seen(waterfall: Waterfall, journey: Journey) -> dict[tuple[str, int], Moments]:
    path = {stage.key for stage in waterfall.stages if stage.rank is not None}
    seen: dict[tuple[str, int], Moments] = defaultdict(dict)
    for arrival in journey.arrivals:
        if arrival.mark in path:
            seen[arrival.lead_id, arrival.cycle_no][arrival.mark] = arrival.at
    return seen


def _implied(waterfall: Waterfall, cycle: Cycle, own: Moments) -> Moments:
    """Every stage alone at its rank that the cycle began below, passed above and was not in, with that moment."""
    found = {}
    for stage in waterfall.stages:
        if stage.rank is None or [each.rank for each in waterfall.stages].count(stage.rank) > 1:
            continue
        above = [at for key, at in own.items() if rank(waterfall.stage(key)) > stage.rank]
        if stage.key not in own and above and rank(cycle.entry_stage) < stage.rank:
            found[stage.key] = min(above)
    return found


def _fate(waterfall: Waterfall, cycle: Cycle, own: Moments, since: datetime, goal: Stage) -> str:
    """K3 for a cycle that was in the first stage at `since`."""
    later = [key for key, at in own.items() if at >= since]
    if goal.key in later:
        return "converted"
    if any(rank(waterfall.stage(key)) > rank(goal) for key in later):
        return "passed_over"
    return "still_open" if cycle.outcome == "open" else "lost"


def _pairs(waterfall: Waterfall) -> list[tuple[Stage, Stage]]:
    stages = {stage.key: stage for stage in waterfall.stages if stage.rank is not None}
    headline = {(pair.from_key, pair.to_key) for pair in waterfall.headline}
    return [
        (stages[low.key], stages[high.key])
        for low, high in legal_pairs(waterfall)
        if low.key in stages
        and high.key in stages
        and ((low.key, high.key) in headline or high.low_rank == low.high_rank + 1)
    ]
