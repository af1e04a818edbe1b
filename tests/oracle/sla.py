"""Limits: how a span stands against its stage's, on the wall calendar or in working hours (docs/RULES.md T4, T5)."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import holidays

from pipeline.waterfall.definition import Sla, Waterfall, WorkingCalendar

from .cuts import Dimensions, local_date, period_start
from .journey import Journey
from .spans import Span

DAY, STEP, NOTHING = timedelta(days=1), timedelta(minutes=15), timedelta(0)
UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": DAY, "week": 7 * DAY}


@dataclass(frozen=True)
class Standing:
    """How a span stands: state, hours beyond the limit on its clock (negative: left), when the limit is used up."""

    state: str
    hours_over: float
    due_at: datetime
    at_the_last_minute: bool


def stand(waterfall: Waterfall, span: Span, as_of: datetime) -> Standing | None:
    """The standing of a span at as-of; None when its stage has no limit."""
    sla = span.stage.sla
    if sla is None:
        return None
    end = span.exited_at if span.exited_at is not None else as_of
    if sla.clock == "calendar":
        limit = sla.amount * UNITS[sla.unit]
        elapsed, due_at = end - span.entered_at, span.entered_at + limit
    else:
        assert waterfall.calendar is not None
        limit = business_limit(sla, waterfall.calendar)
        elapsed = business_time(waterfall.calendar, span.entered_at, end)
        due_at = business_due(waterfall.calendar, span.entered_at, limit)
    in_time = elapsed <= limit
    states = ("open_within", "open_overdue") if span.exited_at is None else ("met", "breached")
    state = states[0] if in_time else states[1]
    last_minute = span.exited_at is not None and due_at - timedelta(minutes=15) <= span.exited_at <= due_at
    return Standing(state, (elapsed - limit).total_seconds() / 3600, due_at, last_minute)


def business_limit(sla: Sla, calendar: WorkingCalendar) -> timedelta:
    """A day is the hours of a working day, a week the working days of a week."""
    day = timedelta(minutes=calendar.closes_minute - calendar.opens_minute)
    return sla.amount * {"day": day, "week": len(calendar.weekdays) * day}.get(sla.unit, UNITS[sla.unit])


def business_time(calendar: WorkingCalendar, start: datetime, end: datetime) -> timedelta:
    """The part of [start, end) in working hours, day by day."""
    found = NOTHING
    day = start.date() - 2 * DAY
    while day <= end.date() + 2 * DAY:
        hours = working_hours(calendar, day)
        if hours is not None:
            found += max(min(end, hours[1]) - max(start, hours[0]), NOTHING)
        day += DAY
    return found


def business_due(calendar: WorkingCalendar, start: datetime, limit: timedelta) -> datetime:
    """The first instant at which `limit` of working time has gone by since `start`."""
    left = limit
    day = start.date() - 2 * DAY
    while True:
        hours = working_hours(calendar, day)
        if hours is not None and hours[1] > start:
            opens = max(start, hours[0])
            if hours[1] - opens >= left:
                return opens + left
            left -= hours[1] - opens
        day += DAY


@cache
def working_hours(calendar: WorkingCalendar, day: date) -> tuple[datetime, datetime] | None:
    """From the first instant at which the clock of that day shows the opening time, to the first that shows the closing."""
    if day.isoweekday() not in calendar.weekdays or day in calendar.extra_days_off or is_holiday(calendar.country, day):
        return None
    here = ZoneInfo(calendar.timezone)
    midnight = datetime.combine(day, time())
    marks = [midnight + timedelta(minutes=minute) for minute in (calendar.opens_minute, calendar.closes_minute)]
    shown = []
    for mark in marks:
        moment = midnight.replace(tzinfo=UTC) - DAY
        while moment.astimezone(here).replace(tzinfo=None) < mark:
            moment += STEP
        shown.append(moment)
    return shown[0], shown[1]


@cache
def is_holiday(country: str | None, day: date) -> bool:
    """A public holiday there."""
    if country is None:
        return False
    code, _, part = country.partition("-")
    return day in holidays.country_holidays(code, subdiv=part or None, years=day.year)


def sla(
    waterfall: Waterfall, journey: Journey, dimensions: Dimensions, grains: tuple[str, ...], as_of: datetime
) -> list[dict[str, Any]]:
    """marts.sla."""
    counts: dict[tuple[str, date | None, str, str, str], Counter[str]] = defaultdict(Counter)
    for span in journey.spans:
        standing = stand(waterfall, span, as_of)
        if standing is None:
            continue
        for grain in grains:
            period = period_start(waterfall, grain, local_date(waterfall, span.entered_at))
            for dimension in dimensions.names:
                counted = counts[grain, period, dimension, dimensions.value(dimension, span), span.stage.key]
                counted[standing.state] += 1
                counted["last minute"] += standing.at_the_last_minute
    return [
        {
            "grain": grain,
            "period_start": period,
            "dimension": dimension,
            "dimension_value": value,
            "stage": stage,
            "met": counted["met"],
            "breached": counted["breached"],
            "open_within": counted["open_within"],
            "open_overdue": counted["open_overdue"],
            "met_at_the_last_minute": counted["last minute"],
            "met_share": share(counted["met"], counted["met"] + counted["breached"] + counted["open_overdue"]),
        }
        for (grain, period, dimension, value, stage), counted in counts.items()
    ]


def share(part: int, whole: int) -> float | None:
    """None of nothing."""
    return part / whole if whole else None
