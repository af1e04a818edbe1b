"""Parses as-of from the configuration or the command line, and converts local times to UTC."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.waterfall import zones

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?)?")
_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def read_as_of(value: Any, timezone: str) -> datetime:
    """Return a TOML date, date-time or ISO 8601 text as UTC. Raises ValueError with a message for the user.

    A time without an offset is in `timezone`. A date without a time means the END of that day (23:59:59), so that
    `as_of = 2025-03-31` includes all of March.
    """
    moment = _moment(value)
    try:
        instant = moment.astimezone(UTC) if moment.tzinfo else to_utc(moment, timezone)
    except OverflowError:
        instant = _LAST
    if not _FIRST <= instant < _LAST:
        raise ValueError("must be in the years 2000 to 2099")
    return instant


def to_utc(local: datetime, timezone: str) -> datetime:
    """Return a naive local time as UTC: the earlier one in an overlap, the next valid time in a gap."""
    zone = ZoneInfo(timezone)
    instant = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local:
        return instant
    gaps = (
        change.at.replace(tzinfo=UTC)
        for change in zones.changes(timezone)[1]
        if change.at + timedelta(seconds=change.before) <= local < change.at + timedelta(seconds=change.after)
    )
    return next(gaps, instant)


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time(23, 59, 59))
    if isinstance(value, str) and _ISO.fullmatch(value.strip()):
        text = value.strip()
        try:
            return _moment(date.fromisoformat(text)) if len(text) == 10 else datetime.fromisoformat(text)
        except ValueError:
            pass  # a 30th of February
    raise ValueError('must be a date or a time such as 2025-03-31 or "2025-03-31 18:00"')
