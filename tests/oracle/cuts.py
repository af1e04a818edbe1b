"""Where a figure is counted: its period (V2) and its value of each dimension (docs/RULES.md 9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pipeline.waterfall.definition import Waterfall

from .history import History, account_record, present, record
from .journey import Journey
from .matching import account_of
from .rules import origin
from .spans import Span

GRAINS = ("day", "week", "month", "quarter", "year", "all")
NOTHING = "(none)"
SET_ASIDE = ("out_of_scope", "duplicate")


def local_date(waterfall: Waterfall, moment: datetime) -> date:
    """The day of that moment in the waterfall's zone."""
    return moment.astimezone(ZoneInfo(waterfall.timezone)).date()


def period_start(waterfall: Waterfall, grain: str, day: date) -> date | None:
    """The first day of the period that holds `day`; None for grain `all`."""
    if grain == "all":
        return None
    if grain == "day":
        return day
    if grain == "week":
        return day - timedelta(days=(day.isoweekday() - waterfall.week_start) % 7)
    if grain == "month":
        return day.replace(day=1)
    months_into_year = (day.month - waterfall.fiscal_year_start) % 12
    months_back = months_into_year % 3 if grain == "quarter" else months_into_year
    month_number = day.year * 12 + (day.month - 1) - months_back
    return date(month_number // 12, month_number % 12 + 1, 1)


def periods(waterfall: Waterfall, journey: Journey, grain: str, as_of: datetime) -> list[date | None]:
    """The starts of all periods from that of the first kept entry (without one, from as-of) to that of as-of, in order."""
    if grain == "all":
        return [None]
    found: list[date | None] = []
    days = [local_date(waterfall, span.entered_at) for span in journey.spans]
    # The calendar opens with history as delivered, anyone who of it counts.
    days += [local_date(waterfall, row.at) for row in journey.placed if row.disposition in SET_ASIDE]
    days += [local_date(waterfall, moment) for moment in journey.creations]
    last = local_date(waterfall, as_of)
    day = min(days, default=last)
    while day <= last:
        start = period_start(waterfall, grain, day)
        if start not in found[-1:]:
            found.append(start)
        day += timedelta(days=1)
    return found


@dataclass(frozen=True)
class Mark:
    """A path stage or a group, as pairs see it."""

    key: str
    low_rank: int
    high_rank: int


def path_marks(waterfall: Waterfall) -> list[Mark]:
    """The path stages and the groups."""
    rank_of = {stage.key: stage.rank for stage in waterfall.stages if stage.rank is not None}
    marks = [Mark(key, rank, rank) for key, rank in rank_of.items()]
    for group in waterfall.groups:
        ranks = [rank_of[key] for key in group.stages]
        marks.append(Mark(group.key, min(ranks), max(ranks)))
    return marks


def legal_pairs(waterfall: Waterfall) -> list[tuple[Mark, Mark]]:
    """Every two marks with all ranks of the first below all ranks of the second."""
    marks = path_marks(waterfall)
    return [(start, goal) for start in marks for goal in marks if start.high_rank < goal.low_rank]


class Dimensions:
    """The value of every dimension at an entry that starts a measure.

    A column of the history counts as it was at that entry; else it is the lead's (the survivor's), else its account's.
    """

    def __init__(self, waterfall: Waterfall, history: History, journey: Journey) -> None:
        self.names = ("all", *waterfall.dimensions)
        self._history = history
        self._waterfall = waterfall
        self._cycles = {(cycle.lead_id, cycle.cycle_no): cycle for cycle in journey.cycles}
        self._lead_columns = {name for columns in history.leads.values() for name in columns}

    def account_of(self, lead_id: str) -> str | None:
        """The account of a lead, or None."""
        return account_of(self._waterfall, self._history, lead_id)

    def value(self, dimension: str, span: Span) -> str:
        """The dimension's value at the entry of that span."""
        if dimension == "all":
            return "all"
        return present(self._found(dimension, span)) or NOTHING

    def _found(self, dimension: str, span: Span) -> str | None:
        if dimension == "team":
            return span.stage.team
        if dimension in ("qualified_by", "entry_stage"):
            cycle = self._cycles.get((span.lead_id, span.cycle_no))
            if cycle is None:
                return None
            return cycle.qualified_by if dimension == "qualified_by" else cycle.entry_stage.key
        if dimension == "origin" and self._waterfall.maps_origin:
            return origin(self._waterfall, self._history, span.lead_id)[0]
        if dimension in self._history.entry_columns:
            return span.entry.owner if dimension == "owner" else span.entry.extra.get(dimension)
        if dimension == "account_id":
            return self.account_of(span.lead_id)
        if dimension in self._lead_columns or dimension in ("origin", "owner"):
            return record(self._history, span.lead_id).get(dimension)
        return account_record(self._history, self.account_of(span.lead_id)).get(dimension)
