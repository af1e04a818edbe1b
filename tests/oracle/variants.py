"""A report of one value of a dimension: who is in it (docs/RULES.md 9), one stay, arrival, cycle and lead at a time."""

from __future__ import annotations

from collections import Counter

from pipeline.waterfall.definition import Waterfall

from .accounts import naive
from .cuts import Dimensions, path_marks
from .durations import Row, open_leads
from .history import History
from .journey import Journey, travel
from .spans import rank


class ReportOfOne:
    """What began with `value`; `all`, `all` is everything."""

    def __init__(self, waterfall: Waterfall, history: History, dimension: str, value: str) -> None:
        self._waterfall, self._history = waterfall, history
        self._journey: Journey = travel(waterfall, history)
        self._dimensions = Dimensions(waterfall, history, self._journey)
        self.stays = [span for span in self._journey.spans if self._dimensions.value(dimension, span) == value]
        self._mine = {(span.lead_id, span.span_no) for span in self.stays}
        self._cycles = [
            cycle
            for cycle in self._journey.cycles
            if (cycle.lead_id, min(s.span_no for s in self._journey.spans if _key(s) == _key(cycle))) in self._mine
        ]

    def overview(self) -> Row:
        """A lead counts by its first stay, a cycle by the stay that opens it, a waiting lead by the stay in which it waits."""
        leads = [span.lead_id for span in self.stays if span.span_no == 1]
        accounts = [self._dimensions.account_of(lead_id) for lead_id in leads]
        waiting = self.waiting()
        return {
            "leads": len(leads),
            "entries": len(self.stays),
            "cycles": len(self._cycles),
            "open_cycles": sum(1 for cycle in self._cycles if cycle.outcome == "open"),
            "accounts": len({account for account in accounts if account is not None}),
            "leads_without_account": sum(1 for account in accounts if account is None),
            "open_leads": len(waiting),
            "overdue": sum(1 for row in waiting if row["sla_state"] == "open_overdue"),
        }

    def waiting(self) -> list[Row]:
        """The to-do list."""
        last = {span.lead_id: span.span_no for span in self._journey.spans}
        rows = open_leads(self._waterfall, self._history, self._journey, self._dimensions)
        return [row for row in rows if (row["lead_id"], last[row["lead_id"]]) in self._mine]

    def qualifications(self) -> dict[str, int]:
        """Cycles by the team that made them ready."""
        return dict(Counter(cycle.qualified_by for cycle in self._cycles))

    def path_arrivals(self) -> dict[str, tuple[int, int, int, int]]:
        """Per path stage in all history: arrivals, through, over, began here. How one came is seen on the whole cycle."""
        found = {}
        for stage in self._waterfall.stages:
            if stage.kind != "path":
                continue
            ways: Counter[str] = Counter()
            for arrival in self._journey.arrivals:
                if arrival.mark == stage.key and (arrival.lead_id, arrival.span.span_no) in self._mine:
                    ways[self._way(arrival.lead_id, arrival.cycle_no, rank(stage))] += 1
            found[stage.key] = (ways.total(), ways["through"], ways["over"], ways["began_here"])
        return found

    def rank_arrivals(self) -> dict[int, int]:
        """Per rank: cycles whose first stay at that rank is one of these."""
        first: dict[tuple[str, int, int], int] = {}
        for span in self._journey.spans:
            if span.cycle_no > 0 and span.stage.kind == "path":
                first.setdefault((span.lead_id, span.cycle_no, rank(span.stage)), span.span_no)
        return dict(Counter(at for (lead, _, at), span_no in first.items() if (lead, span_no) in self._mine))

    def account_depths(self) -> dict[str, list[int]]:
        """Per path stage or group: the people known at each account when it arrived there, with a lead whose stay is here."""
        known_at = {span.lead_id: span.entered_at for span in self._journey.spans if span.span_no == 1}
        found: dict[str, list[int]] = {mark.key: [] for mark in path_marks(self._waterfall)}
        for account in {self._dimensions.account_of(lead_id) for lead_id in known_at} - {None}:
            people = [lead_id for lead_id in known_at if self._dimensions.account_of(lead_id) == account]
            for mark, depths in found.items():
                own = [each for each in self._journey.arrivals if each.lead_id in people and each.mark == mark]
                first = min(own, key=lambda each: (each.at, each.lead_id, each.cycle_no), default=None)
                if first is not None and (first.lead_id, first.span.span_no) in self._mine:
                    depths.append(sum(1 for lead_id in people if naive(known_at[lead_id]) <= naive(first.at)))
        return {mark: sorted(depths) for mark, depths in found.items()}

    def _way(self, lead_id: str, cycle_no: int, at: int) -> str:
        stays = [s for s in self._journey.spans if (s.lead_id, s.cycle_no) == (lead_id, cycle_no)]
        ranks = [rank(span.stage) for span in stays if span.stage.kind == "path"]
        if at - 1 in ranks:
            return "through"
        return "over" if ranks[0] < at - 1 else "began_here"


def _key(each: object) -> tuple[str, int]:
    return each.lead_id, each.cycle_no  # type: ignore[attr-defined, no-any-return]
