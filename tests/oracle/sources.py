"""Which rows give a date that another source gives first, by the priority of its input (E4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from .history import History

if TYPE_CHECKING:
    from .journey import Placed

A_DAY = timedelta(days=1)


def recorded_also(
    history: History, rows: list[Placed], gone: Mapping[str, datetime], order: Callable[[Placed], tuple[object, ...]]
) -> dict[int, tuple[datetime, str]]:
    """id(row) → the time and the input that count, for each of `rows` whose entry a source of better priority dates.

    `gone` has the times at which leads were deleted; `order` is that within a lead.
    """
    by_part = defaultdict(list)
    for row in rows:
        deleted_at = gone.get(row.lead_id)
        by_part[row.lead_id, deleted_at is not None and row.at > deleted_at].append(row)
    found: dict[int, tuple[datetime, str]] = {}
    for part in by_part.values():
        near = near_dates(history, part)
        found |= near
        rest = sorted((row for row in part if id(row) not in near), key=order)
        for _, stay in groupby(rest, key=lambda row: row.into.key):
            found |= outranked(history, list(stay))
    return found


def near_dates(history: History, rows: list[Placed]) -> dict[int, tuple[datetime, str]]:
    """Dates of two sources that are at most a day apart, each the nearest of its source to the other."""
    dates = defaultdict(set)
    for row in rows:
        if row.entry.input in history.priorities:
            dates[row.into.key, history.priorities[row.entry.input]].add(row.at)
    found = {}
    for row in rows:
        own = history.priorities.get(row.entry.input)
        for priority in sorted(set(history.priorities.values())):
            if own is None or priority >= own:
                break
            theirs, ours = dates[row.into.key, priority], dates[row.into.key, own]
            at = nearest(row.at, theirs)
            if at is not None and nearest(at, ours) == row.at:
                found[id(row)] = (at, first_input(history, rows, row, priority, at))
                break
    return found


def nearest(at: datetime, others: set[datetime]) -> datetime | None:
    """The nearest of the others within a day, of two the earlier one."""
    near = [other for other in others if abs(other - at) <= A_DAY]
    return min(near, key=lambda other: (abs(other - at), other), default=None)


def first_input(history: History, rows: list[Placed], like: Placed, priority: int, at: datetime) -> str:
    """The first input of that priority that has the stage at that time."""
    names = {
        row.entry.input
        for row in rows
        if row.into.key == like.into.key and row.at == at and history.priorities.get(row.entry.input) == priority
    }
    return min(names, key=history.inputs.index)


def outranked(history: History, stay: list[Placed]) -> dict[int, tuple[datetime, str]]:
    """The rows of one stay that are not of the best priority there."""
    rated = [row for row in stay if row.entry.input in history.priorities]
    if not rated:
        return {}
    first = min(
        rated, key=lambda row: (history.priorities[row.entry.input], row.at, history.inputs.index(row.entry.input))
    )
    best = history.priorities[first.entry.input]
    return {id(row): (first.at, first.entry.input) for row in rated if history.priorities[row.entry.input] > best}


def pairs_of_inputs(placed: tuple[Placed, ...]) -> list[dict[str, object]]:
    """The rows of quality.recorded_also."""
    found = defaultdict(list)
    for row in placed:
        if row.dated is not None:
            found[row.entry.input, row.dated[1]].append(row)
    return [
        {
            "input": name,
            "kept_input": kept,
            "rows": len(rows),
            "leads": len({row.lead_id for row in rows}),
            "earlier": sum(row.at < row.dated[0] for row in rows if row.dated),
            "later": sum(row.at > row.dated[0] for row in rows if row.dated),
            "median_hours_apart": lower_median([abs(row.at - row.dated[0]) for row in rows if row.dated]),
        }
        for (name, kept), rows in found.items()
    ]


def lower_median(gaps: list[timedelta]) -> float:
    """In hours."""
    return sorted(gaps)[(len(gaps) - 1) // 2] / timedelta(hours=1)
