"""A time zone as numbers: when its offset from UTC changes, and the offset of each day.

DuckDB's zone data may differ from Python's and does not describe gaps and overlaps. So SQL gets the rules of `zoneinfo`
from here, as rows or as an expression, exact to the second.
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

_MARGIN = timedelta(days=3)  # an offset is less than a day, and a zone may skip a date
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
    """Return the offset at the start, in seconds, and every change up to 2100, in order of time."""
    rules = ZoneInfo(zone)
    from_second = _seconds(datetime.combine(FIRST_DAY, datetime.min.time()) - _MARGIN)
    to_second = _seconds(datetime.combine(LAST_DAY, datetime.min.time()) + _MARGIN)
    start = current = _offset(rules, from_second)
    found = []
    for second in range(from_second + 86_400, to_second + 1, 86_400):
        offset = _offset(rules, second)
        if offset != current:
            found.append(_locate(rules, second - 86_400, second, current, offset))
            current = offset
    return start, tuple(found)


def utc_days(zone: str, first: date, last: date) -> tuple[Day, ...]:
    """Return the offsets of each UTC date from `first` to `last` (inclusive, 2000 to 2100), for converting UTC to local time."""
    start, found = changes(zone)
    first, last = max(first, FIRST_DAY - _MARGIN), min(last, LAST_DAY + _MARGIN)
    offset = next((change.after for change in reversed(found) if change.at.date() < first), start)
    return _days(first, last, offset, {change.at.date(): change for change in found})


def midnights(zone: str, first: date, last: date) -> tuple[datetime, ...]:
    """Return the start (naive UTC) of the local days from `first` to `last`, in order (E2). Leaves out days that the zone skips."""
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
    """Return the time of the clock change whose gap contains `at`."""
    naive = at.replace(tzinfo=None)
    changed = (
        change.at
        for change in changes(zone)[1]
        if change.at <= naive < change.at + timedelta(seconds=change.after - change.before)
    )
    return next(changed, naive).replace(tzinfo=UTC)


def _days(first: date, last: date, start: int, by_date: dict[date, Change]) -> tuple[Day, ...]:
    offset = start
    days: list[Day] = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        change = by_date.get(day)
        if change is None:
            days.append((day, offset, None, offset))
        else:
            days.append((day, change.before, change.at, change.after))
            offset = change.after
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
