"""The working calendar as rows: UTC times of each working day, and the working seconds before it (T4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from pipeline.waterfall.definition import Sla, Waterfall, WorkingCalendar
from pipeline.waterfall.times import to_utc
from pipeline.waterfall.zones import LAST_DAY

DAYS_AHEAD = 370
"""The rows cover at least this many days after as-of, so that every running SLA has a due date."""
_DAY = timedelta(days=1)
_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}

WorkDay = tuple[date, datetime, datetime, int]
"""(local day, opens_at and closes_at in naive UTC, working seconds before this day)."""


def sla_seconds(sla: Sla, calendar: WorkingCalendar | None) -> int:
    """Return an SLA in seconds of its clock. A business day has the hours of a working day; a business week has its days."""
    if sla.clock == "calendar":
        return sla.amount * _SECONDS[sla.unit]
    assert calendar is not None  # config.load requires one for the business clock
    day = (calendar.closes_minute - calendar.opens_minute) * 60
    return sla.amount * {"day": day, "week": day * len(calendar.weekdays)}.get(sla.unit, _SECONDS[sla.unit])


def work_days(waterfall: Waterfall, first: date, as_of_date: date) -> tuple[WorkDay, ...]:
    """Return the working days from two days before `first` to `DAYS_AHEAD` after `as_of_date`, or to the end of the longest SLA.

    The two days are needed because the time zone of the calendar may differ from that of the dates.
    """
    calendar = waterfall.calendar
    if calendar is None:
        return ()
    slas = [sla_seconds(each.sla, calendar) for each in waterfall.stages if each.sla and each.sla.clock == "business"]
    found: list[WorkDay] = []
    worked = at_as_of = 0
    for day, opens_at, closes_at in opening_hours(calendar, max(first, date(2000, 1, 1)) - 2 * _DAY):
        if day > as_of_date + DAYS_AHEAD * _DAY and worked - at_as_of >= max(slas, default=0):
            break
        found.append((day, opens_at, closes_at, worked))
        worked += int((closes_at - opens_at).total_seconds())
        if day <= as_of_date:
            at_as_of = worked
    return tuple(found)


def opening_hours(calendar: WorkingCalendar, first: date) -> Iterator[tuple[date, datetime, datetime]]:
    """Yield the working days from `first` to the end of 2099, with opening and closing time in naive UTC.

    A local time that does not exist is read as the next valid time, and one that exists twice as the earlier (E2). So a day
    with a clock change has its real length.
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
    """Public holidays and extra days off. Holidays of a year are computed when they are first needed."""

    def __init__(self, calendar: WorkingCalendar) -> None:
        self._extra = frozenset(calendar.extra_days_off)
        self._public = None
        if calendar.country is not None:
            import holidays  # a slow import, needed only with `country`

            country, _, part = calendar.country.partition("-")
            self._public = holidays.country_holidays(country, subdiv=part or None)

    def __contains__(self, day: date) -> bool:
        return day in self._extra or (self._public is not None and day in self._public)
