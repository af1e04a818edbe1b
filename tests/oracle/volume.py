"""How many: arrivals split three ways, balanced flow, leads per account (K7, 7 and 8)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime

from pipeline.waterfall.definition import Waterfall

from .cuts import Dimensions, legal_pairs, local_date, path_marks, period_start, periods
from .durations import Row
from .journey import Journey
from .spans import Arrival, rank

MOVES = ("advanced", "sideways", "regressed", "held", "detoured", "exited", "returned")
IN_COLUMNS = tuple(f"in_{move}" for move in ("new", "restored", *MOVES))
OUT_COLUMNS = tuple(f"out_{move}" for move in (*MOVES, "deleted"))


def stage_arrivals(
    waterfall: Waterfall, journey: Journey, dimensions: Dimensions, grains: tuple[str, ...]
) -> list[Row]:
    """marts.stage_arrivals: a row wherever somebody arrived."""
    arrived = {(arrival.lead_id, arrival.cycle_no, arrival.mark) for arrival in journey.arrivals}
    entry_rank = {(cycle.lead_id, cycle.cycle_no): rank(cycle.entry_stage) for cycle in journey.cycles}
    counts: dict[tuple[str, date | None, str, str, str, str], Counter[str]] = defaultdict(Counter)
    for before, goal in legal_pairs(waterfall):
        for arrival in journey.arrivals:
            if arrival.mark != goal.key:
                continue
            if (arrival.lead_id, arrival.cycle_no, before.key) in arrived:
                way = "through"
            elif entry_rank[arrival.lead_id, arrival.cycle_no] < before.low_rank:
                way = "over"
            else:
                way = "entered_after"
            for grain in grains:
                period = period_start(waterfall, grain, local_date(waterfall, arrival.at))
                for dimension in dimensions.names:
                    value = dimensions.value(dimension, arrival.span)
                    counts[grain, period, dimension, value, before.key, goal.key][way] += 1
    return [
        {
            "grain": grain,
            "period_start": period,
            "dimension": dimension,
            "dimension_value": value,
            "from_stage": from_stage,
            "to_stage": to_stage,
            **{way: ways[way] for way in ("through", "over", "entered_after")},
        }
        for (grain, period, dimension, value, from_stage, to_stage), ways in counts.items()
    ]


class Timeline:
    """The periods of one grain, and where a moment falls among them."""

    def __init__(self, waterfall: Waterfall, journey: Journey, grain: str, as_of: datetime) -> None:
        self.grain = grain
        self.starts = periods(waterfall, journey, grain, as_of)
        self._waterfall = waterfall
        self._number = {start: number for number, start in enumerate(self.starts)}

    def number(self, moment: datetime) -> int:
        """The position of the moment's period."""
        return self._number[period_start(self._waterfall, self.grain, local_date(self._waterfall, moment))]

    def ends_within(self, entered_at: datetime, exited_at: datetime | None) -> Iterator[int]:
        """The periods at whose end a span from `entered_at` to `exited_at` is there."""
        last = len(self.starts) if exited_at is None else self.number(exited_at)
        yield from range(self.number(entered_at), last)


def stage_flow(
    waterfall: Waterfall, journey: Journey, dimensions: Dimensions, grains: tuple[str, ...], as_of: datetime
) -> list[Row]:
    """marts.stage_flow: every stage and period in total, in the cuts only where something is or moves."""
    rows = []
    for grain in grains:
        timeline = Timeline(waterfall, journey, grain, as_of)
        cells: dict[tuple[int, str, str, str], Counter[str]] = defaultdict(Counter)
        for number in range(len(timeline.starts)):
            for stage in waterfall.stages:
                cells[number, "all", "all", stage.key] = Counter()
        for span in journey.spans:
            for dimension in dimensions.names:
                where = (dimension, dimensions.value(dimension, span), span.stage.key)
                cells[timeline.number(span.entered_at), *where][f"in_{span.came_by}"] += 1
                if span.exited_at is not None:
                    cells[timeline.number(span.exited_at), *where][f"out_{span.exit_kind}"] += 1
                for number in timeline.ends_within(span.entered_at, span.exited_at):
                    cells[number, *where]["closing"] += 1
                    if number + 1 < len(timeline.starts):
                        cells[number + 1, *where]["opening"] += 1
        for (number, dimension, value, stage_key), cell in cells.items():
            rows.append(
                {
                    "grain": grain,
                    "period_start": timeline.starts[number],
                    "dimension": dimension,
                    "dimension_value": value,
                    "stage": stage_key,
                    "opening": cell["opening"],
                    **{column: cell[column] for column in IN_COLUMNS},
                    **{column: cell[column] for column in OUT_COLUMNS},
                    "closing": cell["closing"],
                }
            )
    return rows


def lead_to_account(
    waterfall: Waterfall, journey: Journey, dimensions: Dimensions, grains: tuple[str, ...], as_of: datetime
) -> list[Row]:
    """marts.lead_to_account: who reached each mark by the end of each period, and who is in each stage then."""
    marks_of = {
        "reached": [mark.key for mark in path_marks(waterfall)],
        "current": [stage.key for stage in waterfall.stages],
    }
    rows = []
    for grain in grains:
        timeline = Timeline(waterfall, journey, grain, as_of)
        leads: dict[tuple[int, str, str, str, str], list[str]] = {
            (number, basis, "all", "all", mark): []
            for number in range(len(timeline.starts))
            for basis, marks in marks_of.items()
            for mark in marks
        }
        for arrival in first_arrivals(journey):
            if arrival.mark in marks_of["reached"]:
                for number in timeline.ends_within(arrival.at, None):
                    for dimension in dimensions.names:
                        where = (dimension, dimensions.value(dimension, arrival.span), arrival.mark)
                        leads.setdefault((number, "reached", *where), []).append(arrival.lead_id)
        for span in journey.spans:
            for number in timeline.ends_within(span.entered_at, span.exited_at):
                for dimension in dimensions.names:
                    where = (dimension, dimensions.value(dimension, span), span.stage.key)
                    leads.setdefault((number, "current", *where), []).append(span.lead_id)
        for (number, basis, dimension, value, mark), there in leads.items():
            rows.append(
                {
                    "grain": grain,
                    "period_start": timeline.starts[number],
                    "basis": basis,
                    "dimension": dimension,
                    "dimension_value": value,
                    "stage": mark,
                    **depths(there, dimensions),
                }
            )
    return rows


def first_arrivals(journey: Journey) -> list[Arrival]:
    """The first arrival ever of each lead at each mark; `journey.arrivals` is in order of cycles, and so of time."""
    first: dict[tuple[str, str], Arrival] = {}
    for arrival in journey.arrivals:
        first.setdefault((arrival.lead_id, arrival.mark), arrival)
    return list(first.values())


def depths(lead_ids: list[str], dimensions: Dimensions) -> Row:
    """Leads, accounts, their ratio, and how many accounts have 1, 2, 3–4, 5 and more of these leads."""
    accounts: Counter[str] = Counter()
    for lead_id in lead_ids:
        account_id = dimensions.account_of(lead_id)
        if account_id is not None:
            accounts[account_id] += 1
    sizes = list(accounts.values())
    return {
        "leads": len(lead_ids),
        "leads_with_account": sum(sizes),
        "accounts": len(sizes),
        "ratio": sum(sizes) / len(sizes) if sizes else None,
        "depth_1": sum(1 for size in sizes if size == 1),
        "depth_2": sum(1 for size in sizes if size == 2),
        "depth_3_4": sum(1 for size in sizes if 3 <= size <= 4),
        "depth_5_plus": sum(1 for size in sizes if size >= 5),
    }
