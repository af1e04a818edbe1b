"""Where the units of a headline pair are now (K9): one unit at a time, of whichever unit the waterfall names."""

from __future__ import annotations

from collections import Counter
from datetime import date

from pipeline.config.funnel import pair_unit
from pipeline.waterfall.definition import Waterfall

from .conversion import Candidate, candidates, outcome
from .cuts import Dimensions, local_date, path_marks
from .durations import Row
from .history import History
from .journey import Journey, travel
from .sla import stand
from .spans import Span

OPEN = {"open_overdue": "overdue", "open_within": "within_limit", None: "no_limit"}


def headline_gap(waterfall: Waterfall, history: History, cut: tuple[str, str] = ("all", "all")) -> list[Row]:
    """report.headline_gap without its order and shares; `cut` is a dimension and its value at the arrival at A."""
    counts: Counter[tuple[int, str, str, str | None]] = Counter()
    for row in headline_gap_months(waterfall, history, cut):
        counts[row["headline_no"], row["fate"], row["reason"], row["stage"]] += row["units"]
    return [
        {"headline_no": number, "fate": fate, "reason": reason, "stage": stage, "units": units}
        for (number, fate, reason, stage), units in counts.items()
    ]


def headline_gap_months(waterfall: Waterfall, history: History, cut: tuple[str, str] = ("all", "all")) -> list[Row]:
    """report.headline_gap_months without its order."""
    journey = travel(waterfall, history)
    dimensions = Dimensions(waterfall, history, journey)
    marks = {mark.key: mark for mark in path_marks(waterfall)}
    counts: Counter[tuple[int, date, str, str, str | None]] = Counter()
    for headline_no, pair in enumerate(waterfall.headline, 1):
        goal = marks[pair.to_key]
        above = {stage.key for stage in waterfall.stages if stage.rank is not None and stage.rank > goal.high_rank}
        for unit in candidates(journey, dimensions):
            if unit.unit != pair_unit(pair.from_key, pair.to_key, waterfall.unit):
                continue
            found = outcome(unit, marks[pair.from_key], goal, above, None, history.as_of)
            if found is None or dimensions.value(cut[0], found.start.span) != cut[1]:
                continue
            reason, stage = found.fate, None
            if found.fate == "lost":
                reason, stage = _end(unit, journey, dimensions)
            elif found.fate == "still_open":
                stay = _waits(unit, journey, dimensions)
                standing = stand(waterfall, stay, history.as_of)
                reason, stage = OPEN[standing.state if standing else None], stay.stage.key
            month = local_date(waterfall, found.start.at).replace(day=1)
            counts[headline_no, month, found.fate, reason, stage] += 1
    return [
        {"headline_no": number, "month_start": month, "fate": fate, "reason": reason, "stage": stage, "units": units}
        for (number, month, fate, reason, stage), units in counts.items()
    ]


def _end(unit: Candidate, journey: Journey, dimensions: Dimensions) -> tuple[str, str | None]:
    """How a lost unit ended, and the stage that it went to."""
    if unit.unit == "cycle":
        first = unit.arrivals[0]
        own = [cycle for cycle in journey.cycles if cycle.lead_id == first.lead_id]
        cycle = next(each for each in own if each.cycle_no == first.cycle_no)
        if cycle.outcome == "regressed":
            return "regressed", next(c for c in own if c.cycle_no == cycle.cycle_no + 1).entry_stage.key
        ends = [
            span.stage.key
            for span in journey.spans
            if (span.lead_id, span.cycle_no) == (cycle.lead_id, cycle.cycle_no)
            and span.stage.kind in ("detour", "exit")
        ]
        return cycle.outcome, ends[0] if cycle.outcome in ("exited", "detoured") else None
    last = max(_last_stays(unit, journey, dimensions), key=lambda stay: stay.exited_at or stay.entered_at)
    return ("deleted", None) if last.exit_kind == "deleted" else ("exited", last.stage.key)


def _waits(unit: Candidate, journey: Journey, dimensions: Dimensions) -> Span:
    """The stay in which an open unit waits."""
    stays = [
        stay
        for stay in _last_stays(unit, journey, dimensions)
        if stay.exit_kind != "deleted" and stay.stage.kind != "exit"
    ]
    highest = max(stay.stage.rank or 0 for stay in stays)
    return min((stay for stay in stays if (stay.stage.rank or 0) == highest), key=lambda stay: stay.entered_at)


def _last_stays(unit: Candidate, journey: Journey, dimensions: Dimensions) -> list[Span]:
    """The last stay of each lead of the unit, leads by id; of equal moments min and max take the first."""
    lead_id = unit.arrivals[0].lead_id
    account_id = dimensions.account_of(lead_id)
    last = {span.lead_id: span for span in journey.spans}
    if unit.unit == "account":
        return [last[each] for each in sorted(last) if dimensions.account_of(each) == account_id]
    return [last[lead_id]]
