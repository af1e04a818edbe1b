"""The `[calendar]` block: working hours, weekdays and days off."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, PlainValidator

from pipeline.config.block import WEEKDAYS, Block, Document, Zone
from pipeline.waterfall.definition import WorkingCalendar
from pipeline.waterfall.names import did_you_mean

_HOURS = re.compile(r"(\d{1,2}):(\d{2}) ?[-–] ?(\d{1,2}):(\d{2})")


def _minutes(text: str) -> tuple[int, int]:
    found = _HOURS.fullmatch(text.strip())
    if not found:
        raise ValueError('must be two times of the day, such as "09:00-17:00"')
    hours = [int(each) for each in found.groups()]
    opens, closes = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if max(hours[1], hours[3]) > 59 or not opens < closes <= 1440:
        raise ValueError("must begin before they end, both within one day (24:00 is its end)")
    return opens, closes


def _hours(text: str) -> str:
    _minutes(text)
    return text


def _weekdays(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError('must be a list of weekdays, such as ["monday", "tuesday"]')
    for name in value:
        if not isinstance(name, str) or name.lower() not in WEEKDAYS:
            near = did_you_mean(name.lower(), WEEKDAYS) if isinstance(name, str) else ""
            raise ValueError(f"names `{name}`, which is no weekday{near}")
    return tuple(sorted({WEEKDAYS.index(name.lower()) + 1 for name in value}))


def _country(name: str) -> str:
    import holidays

    known = holidays.list_supported_countries()
    country, dash, part = name.partition("-")
    if country not in known:
        near = f"; did you mean `{country.upper()}`?" if country.upper() in known else ", such as US, DE or US-CA"
        raise ValueError(f"no holidays are known for `{country}`, which must be an ISO code{near}")
    if dash and part not in known[country]:
        raise ValueError(
            f"`{country}` has no part `{part}` with holidays of its own{did_you_mean(part, known[country])}"
        )
    return name


def _dates(value: Any) -> tuple[date, ...]:
    if not isinstance(value, list):
        raise ValueError("must be a list of dates, such as [2026-12-24]")
    return tuple(sorted({_date(each) for each in value}))


def _date(value: Any) -> date:
    if type(value) is date:
        return value
    with suppress(TypeError, ValueError):  # no text, or a 30th of February
        return date.fromisoformat(value)
    raise ValueError(f"names `{value}`, which is no date; write one like 2026-12-24")


class CalendarBlock(Block):
    """`[calendar]`."""

    country: Annotated[str, AfterValidator(_country)] | None = None
    hours: Annotated[str, AfterValidator(_hours)] = "09:00-17:00"
    weekdays: Annotated[tuple[int, ...], PlainValidator(_weekdays)] = (1, 2, 3, 4, 5)
    extra_days_off: Annotated[tuple[date, ...], PlainValidator(_dates)] = ()
    timezone: Zone | None = None

    def calendar(self, timezone: str) -> WorkingCalendar:
        """Return the calendar, in `timezone` unless the block sets its own."""
        opens, closes = _minutes(self.hours)
        return WorkingCalendar(
            timezone=self.timezone or timezone,
            opens_minute=opens,
            closes_minute=closes,
            weekdays=self.weekdays,
            country=self.country,
            extra_days_off=self.extra_days_off,
        )


def read_calendar(document: Document, timezone: str) -> WorkingCalendar | None:
    """Return the working calendar, or None. Adds a problem if a stage uses the business clock without a calendar."""
    if "calendar" in document.raw:
        return document.block(CalendarBlock, "calendar").calendar(timezone)
    for number, raw in enumerate(document.tables("stages")):
        sla = raw.get("sla")
        if isinstance(sla, dict) and sla.get("clock") == "business":
            what = "the business clock needs working hours; add [calendar]"
            document.problems.add(("stages", number, "sla", "clock"), what)
    return None
