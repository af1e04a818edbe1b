"""Working time is exact (T4): over clock changes, holidays and unusual hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.waterfall.calendar import opening_hours, sla_seconds, work_days
from pipeline.waterfall.definition import Sla, Stage, Waterfall, WorkingCalendar
from tests.unit.configurations import STAGES, funnel

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
CHANGES = {
    "America/New_York": (datetime(2026, 3, 8), datetime(2026, 11, 1)),
    "Europe/Berlin": (datetime(2026, 3, 29), datetime(2026, 10, 25)),
    "Australia/Lord_Howe": (datetime(2026, 4, 4), datetime(2026, 10, 3)),
    "America/Havana": (datetime(2026, 3, 8), datetime(2026, 11, 1)),  # at midnight
    "America/St_Johns": (
        datetime(2009, 3, 8),
        datetime(2009, 11, 1),
    ),  # one minute past midnight, back to the previous day
    "Pacific/Apia": (datetime(2011, 12, 30),),  # a skipped day
}
BUSINESS = WorkingCalendar("America/New_York", country="US")


def count_minutes(calendar: WorkingCalendar, days_off: set[date], start: datetime, end: datetime) -> int:
    """Working minutes of [start, end), counted one by one; a repeated hour counts once."""
    here = ZoneInfo(calendar.timezone)
    minutes, clock, moment = 0, datetime(1, 1, 1), start - 3 * DAY
    while moment < end:
        clock = max(clock, moment.replace(tzinfo=UTC).astimezone(here).replace(tzinfo=None))
        works = clock.isoweekday() in calendar.weekdays and clock.date() not in days_off
        since_midnight = clock.hour * 60 + clock.minute
        if moment >= start and works and calendar.opens_minute <= since_midnight < calendar.closes_minute:
            minutes += 1
        moment += MINUTE
    return minutes


def waterfall(calendar: WorkingCalendar, *limits: Sla) -> Waterfall:
    """A waterfall of stages with these SLAs."""
    stages = tuple(Stage(f"s{n}", f"S{n}", f"S{n}", "x", "path", n, sla=sla) for n, sla in enumerate(limits, 1))
    return Waterfall("Test", calendar.timezone, stages, calendar=calendar)


@st.composite
def calendars(draw: st.DrawFn) -> tuple[WorkingCalendar, datetime]:
    """A calendar and a day on which its zone changes the clocks."""
    zone = draw(st.sampled_from(sorted(CHANGES)))
    opens = draw(st.one_of(st.sampled_from((540, 0, 90, 150)), st.integers(0, 1439)))
    closes = draw(st.one_of(st.just(1440), st.integers(opens + 1, 1440)))
    weekdays = draw(st.sampled_from(((1, 2, 3, 4, 5, 6, 7), (1, 2, 3, 4, 5), (6, 7), (3,))))
    around = draw(st.sampled_from(CHANGES[zone]))
    off = tuple(around.date() + DAY * n for n in draw(st.sets(st.integers(-3, 3), max_size=2)))
    return WorkingCalendar(zone, opens, closes, weekdays, extra_days_off=off), around


@settings(max_examples=60, deadline=None, database=None)
@given(calendars(), st.integers(-2880, 2880), st.integers(0, 4320))
def test_business_time_equals_a_count_of_minutes(
    case: tuple[WorkingCalendar, datetime], begins: int, lasts: int
) -> None:
    """The difference of the working time before two instants equals the counted minutes between them."""
    calendar, around = case
    start = around + begins * MINUTE
    end = start + lasts * MINUTE
    rows = work_days(waterfall(calendar), around.date() - 6 * DAY, around.date() + 6 * DAY)

    def business_seconds_before(moment: datetime) -> int:
        done = [row for row in rows if row[1] <= moment]
        return done[-1][3] + int((min(moment, done[-1][2]) - done[-1][1]).total_seconds()) if done else 0

    assert count_minutes(calendar, set(calendar.extra_days_off), start, end) * 60 == business_seconds_before(
        end
    ) - business_seconds_before(start)


def test_a_year_in_the_us_has_250_working_days() -> None:
    """Public holidays are no working days: 11 of the 261 weekdays of 2026."""
    days = [
        day for day, _, _ in takewhile(lambda hours: hours[0].year == 2026, opening_hours(BUSINESS, date(2026, 1, 1)))
    ]
    weekdays = [date(2026, 1, 1) + n * DAY for n in range(365)]
    off = [day for day in weekdays if day.isoweekday() < 6 and day not in days]
    assert [
        date(2026, 1, 1), date(2026, 1, 19), date(2026, 2, 16), date(2026, 5, 25), date(2026, 6, 19), date(2026, 7, 3),
        date(2026, 9, 7), date(2026, 10, 12), date(2026, 11, 11), date(2026, 11, 26), date(2026, 12, 25),
    ] == off  # fmt: skip


def test_a_subdivision_has_its_own_holidays() -> None:
    """Epiphany is a holiday in Bavaria and not in Berlin."""
    first = {
        part: next(opening_hours(WorkingCalendar("Europe/Berlin", country=part), date(2026, 1, 6)))[0]
        for part in ("DE-BY", "DE-BE")
    }
    assert {"DE-BY": date(2026, 1, 7), "DE-BE": date(2026, 1, 6)} == first


@pytest.mark.parametrize(
    ("sla", "seconds"),
    [
        (Sla(2, "day"), 172_800),
        (Sla(1, "week"), 604_800),
        (Sla(8, "hour", "business"), 28_800),
        (Sla(30, "minute", "business"), 1_800),
        (Sla(2, "day", "business"), 2 * 28_800),
        (Sla(1, "week", "business"), 5 * 28_800),
    ],
)
def test_a_business_day_is_the_hours_of_a_working_day(sla: Sla, seconds: int) -> None:
    """A calendar day has 86,400 s, a business day the hours of the calendar, a business week its days."""
    assert seconds == sla_seconds(sla, BUSINESS)


def test_the_days_include_the_due_date_of_the_longest_sla() -> None:
    """For an SLA of a thousand business days from as-of the table has the due date."""
    rows = work_days(waterfall(BUSINESS, Sla(1000, "day", "business")), date(2026, 1, 1), date(2026, 1, 31))
    after = [row for row in rows if row[0] > date(2026, 1, 31)]
    assert 1000 == len(after)
    short = work_days(waterfall(BUSINESS), date(2026, 1, 1), date(2026, 1, 31))
    assert date(2026, 1, 31) + 370 * DAY - short[-1][0] < 5 * DAY


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('hours = "9 to 5"', 'calendar.hours: must be two times of the day, such as "09:00-17:00"'),
        ('hours = "17:00-09:00"', "calendar.hours: must begin before they end, both within one day (24:00 is its end)"),
        ('weekdays = ["mondy"]', "calendar.weekdays: names `mondy`, which is no weekday; did you mean `monday`?"),
        (
            'country = "us"',
            "calendar.country: no holidays are known for `us`, which must be an ISO code; did you mean `US`?",
        ),
        ('country = "DE-XX"', "calendar.country: `DE` has no part `XX` with holidays of its own; known: BB, BE, BW"),
        ("extra_days_off = ['24 December']", "calendar.extra_days_off: names `24 December`, which is no date"),
        ('hour = "09:00-17:00"', "calendar.hour: unknown key; did you mean `hours`?"),
        ('timezone = "Berlin"', "calendar.timezone: `Berlin` is not a time zone"),
    ],
)
def test_an_invalid_calendar_key_has_its_line(problems: Any, line: str, expected: str) -> None:
    """The message has the key, its line and a valid value."""
    reported = problems(funnel() + f"[calendar]\n{line}\n")
    assert [True] == [each.startswith(f"funnel.toml:24: {expected}") for each in reported], reported


def test_a_business_sla_needs_a_calendar(problems: Any) -> None:
    """An SLA on the business clock without [calendar] is a problem of its stage."""
    stages = STAGES + '[[stages]]\nkey = "won"\ndefinition = "x"\nsla = { within = "8 hours", clock = "business" }\n'
    assert ["funnel.toml:21: stages.won.sla.clock: the business clock needs working hours; add [calendar]"] == problems(
        funnel(stages=stages)
    )
