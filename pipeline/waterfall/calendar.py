"""The working calendar as rows: when each working day opens and closes in UTC, and how much work lies before it (T4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from pipeline.waterfall.definition import Sla, Waterfall, WorkingCalendar
from pipeline.waterfall.times import to_utc
from pipeline.waterfall.zones import LAST_DAY

DAYS_AHEAD = 370
"""How far beyond as-of the rows reach at least, so that every limit that runs now has a due date."""
_DAY = timedelta(days=1)
_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}

WorkDay = tuple[date, datetime, datetime, int]
"""(local day, opens_at and closes_at in naive UTC, working seconds before it)."""


def sla_seconds(sla: Sla, calendar: WorkingCalendar | None) -> int:
    """A limit in seconds of its clock. A business day is the hours of a working day, a business week the working days of one."""
    if sla.clock == "calendar":
        return sla.amount * _SECONDS[sla.unit]
    assert calendar is not None  # config.load refuses the business clock without one
    day = (calendar.closes_minute - calendar.opens_minute) * 60
    return sla.amount * {"day": day, "week": day * len(calendar.weekdays)}.get(sla.unit, _SECONDS[sla.unit])


def work_days(waterfall: Waterfall, first: date, as_of_date: date) -> tuple[WorkDay, ...]:
    """The working days from two before `first` to `DAYS_AHEAD` after `as_of_date`, or until the longest limit has run out.

    Two days, because the calendar's zone may be another than that of the dates.
    """
    calendar = waterfall.calendar
    if calendar is None:
        return ()
    limits = [sla_seconds(each.sla, calendar) for each in waterfall.stages if each.sla and each.sla.clock == "business"]
    found: list[WorkDay] = []
    worked = at_as_of = 0
    for day, opens_at, closes_at in opening_hours(calendar, max(first, date(2000, 1, 1)) - 2 * _DAY):
        if day > as_of_date + DAYS_AHEAD * _DAY and worked - at_as_of >= max(limits, default=0):
            break
        found.append((day, opens_at, closes_at, worked))
        worked += int((closes_at - opens_at).total_seconds())
        if day <= as_of_date:
            at_as_of = worked
    return tuple(found)


def opening_hours(calendar: WorkingCalendar, first: date) -> Iterator[tuple[date, datetime, datetime]]:
    """Working days from `first` to the end of 2099 with the instants (naive UTC) at which they open and close.

    A time that the clock skips is its first valid instant, one that it shows twice the earlier of two, as when rows are
    read (E2): so a day over a change of the clocks is as long as it was.
    """
    days_off = _DaysOff(calendar)
    for number in range((LAST_DAY - first).days):
        day = first + number * _DAY
        if day.isoweekday() in calendar.weekdays and day not in days_off:
            opens_at, closes_at = _at(calendar, day, calendar.opens_minute), _at(calendar, day, calendar.closes_minute)
            if opens_at < closes_at:
                yield day, opens_at, closes_at


def _at(calendar: WorkingCalendar, day: date, minute: int) -> datetime:
    local = datetime.combine(day, datetime.min.time()) + timedelta(minutes=minute)
    return to_utc(local, calendar.timezone).replace(tzinfo=None)


class _DaysOff:
    """Public holidays and extra days off; holidays of a year are worked out when first asked for."""

    def __init__(self, calendar: WorkingCalendar) -> None:
        self._extra = frozenset(calendar.extra_days_off)
        self._public = None
        if calendar.country is not None:
            import holidays  # 501 countries; only those who ask for one wait for it

            country, _, part = calendar.country.partition("-")
            self._public = holidays.country_holidays(country, subdiv=part or None)

    def __contains__(self, day: date) -> bool:
        return day in self._extra or (self._public is not None and day in self._public)
