"""A time zone as plain numbers: when its offset from UTC changes, and which offset holds on each day.

DuckDB's own zone data may differ from Python's and says nothing about gaps and overlaps, so zone rules reach SQL as
rows or as an expression made here, from `zoneinfo`, exact to the second.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

FIRST_DAY = date(2000, 1, 1)
"""The first local date whose times are read."""
LAST_DAY = date(2100, 1, 1)
"""The day after the last one (exclusive)."""

_MARGIN = timedelta(days=3)  # an offset is less than a day, and a date may be skipped
_EPOCH = datetime(1970, 1, 1)

Day = tuple[date, int, datetime | None, int]
"""(day, offset_before_s, changes_at in naive UTC or None, offset_after_s)."""


@dataclass(frozen=True)
class Change:
    """The offset of a zone changes at `at` (naive UTC) from `before` to `after`, in seconds east of Greenwich."""

    at: datetime
    before: int
    after: int


@cache
def changes(zone: str) -> tuple[int, tuple[Change, ...]]:
    """The offset that holds at the start, in seconds, and every change of it up to 2100, in order of time."""
    rules = ZoneInfo(zone)
    from_second = _seconds(datetime.combine(FIRST_DAY, datetime.min.time()) - _MARGIN)
    to_second = _seconds(datetime.combine(LAST_DAY, datetime.min.time()) + _MARGIN)
    start = held = _offset(rules, from_second)
    found = []
    for second in range(from_second + 86_400, to_second + 1, 86_400):
        offset = _offset(rules, second)
        if offset != held:
            found.append(_locate(rules, second - 86_400, second, held, offset))
            held = offset
    return start, tuple(found)


def utc_days(zone: str, first: date, last: date) -> tuple[Day, ...]:
    """For writing local times: the offsets of each UTC date from `first` to `last`, both included, in 2000 to 2100."""
    start, found = changes(zone)
    touched = {change.at.date(): change for change in found}
    everything = _days(FIRST_DAY - _MARGIN, LAST_DAY + _MARGIN, start, touched)
    return tuple(day for day in everything if first <= day[0] <= last)


def midnights(zone: str, first: date, last: date) -> tuple[datetime, ...]:
    """The naive UTC instants at which the local days from `first` to `last` begin, in order, as a bare date is read (E2).

    A day that the zone left out begins with the next one, and is not there.
    """
    rules = ZoneInfo(zone)
    found: dict[datetime, None] = {}
    for number in range((last - first).days + 1):
        midnight = datetime.combine(first + timedelta(days=number), datetime.min.time(), rules)
        at = midnight.astimezone(UTC)
        if at.astimezone(rules).replace(fold=0) != midnight:
            at = _after_gap(zone, at)
        found[at.replace(tzinfo=None)] = None
    return tuple(found)


def _after_gap(zone: str, at: datetime) -> datetime:
    """The change of the zone that leaves out the local time which `at` would have by the offset before."""
    naive = at.replace(tzinfo=None)
    changed = (
        change.at
        for change in changes(zone)[1]
        if change.at <= naive < change.at + timedelta(seconds=change.after - change.before)
    )
    return next(changed, naive).replace(tzinfo=UTC)


def _days(first: date, last: date, start: int, touched: dict[date, Change]) -> tuple[Day, ...]:
    held = start
    days: list[Day] = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        change = touched.get(day)
        if change is None:
            days.append((day, held, None, held))
        else:
            days.append((day, change.before, change.at, change.after))
            held = change.after
    return tuple(days)


def _locate(rules: ZoneInfo, low: int, high: int, before: int, after: int) -> Change:
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(rules, middle) == before:
            low = middle
        else:
            high = middle
    return Change(_EPOCH + timedelta(seconds=high), before, after)


def _offset(rules: ZoneInfo, second: int) -> int:
    offset = datetime.fromtimestamp(second, rules).utcoffset()
    assert offset is not None
    return offset.days * 86_400 + offset.seconds


def _seconds(naive_utc: datetime) -> int:
    return int(naive_utc.replace(tzinfo=UTC).timestamp())
