"""The calendar (V2) by walking from one day to the next: which periods there are, what they are called, which are not over.

Apart from cuts.py, which only asks where one figure is counted. Nothing here computes with months: a period begins where
a day says so and ends where the next one begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pipeline.waterfall.definition import Waterfall

from .cuts import GRAINS
from .durations import Row

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
MORE_THAN_A_YEAR = 400 * DAY
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Calendar:
    """The rows of waterfall.days, waterfall.day_periods and waterfall.periods, each in the order of its key, null first."""

    days: list[Row]
    day_periods: list[Row]
    periods: list[Row]


def calendar(waterfall: Waterfall, first: datetime | None, as_of: datetime) -> Calendar:
    """The calendar from the local day of `first` (None: of `as_of`) to that of `as_of`; both are aware instants."""
    here = ZoneInfo(waterfall.timezone)
    wall_clock = as_of.astimezone(here).replace(tzinfo=None)
    last_day = wall_clock.date()
    day = first_day = min(first.astimezone(here).date(), last_day) if first is not None else last_day
    starts = {grain: starts_around(waterfall, grain, first_day, last_day) for grain in GRAINS}
    days, day_periods = [], []
    inside: dict[tuple[str, date | None], list[date]] = {}
    while day <= last_day:
        found = {grain: max((start for start in starts[grain] if start <= day), default=None) for grain in GRAINS}
        days.append({"day": day, **{f"{grain}_start": found[grain] for grain in ("week", "month", "quarter", "year")}})
        for grain, start in found.items():
            day_periods.append({"day": day, "grain": grain, "period_start": start})
            inside.setdefault((grain, start), []).append(day)
        day += DAY
    periods = []
    for (grain, start), held in inside.items():
        end = min(each for each in starts[grain] if each > start) if start is not None else None
        periods.append(
            {
                "grain": grain,
                "period_start": start,
                "period_end": end,
                "label": label(waterfall, grain, start, end),
                "first_day": held[0],
                "last_day": held[-1],
                # A second from now the wall clock still shows a day of the period.
                "is_partial": end is not None and (wall_clock + SECOND).date() < end,
            }
        )
    return Calendar(
        days=days,
        day_periods=sorted(day_periods, key=lambda row: (row["day"], row["grain"])),
        periods=sorted(periods, key=lambda row: (row["grain"], row["period_start"] or date.min)),
    )


def starts_around(waterfall: Waterfall, grain: str, first_day: date, last_day: date) -> list[date]:
    """Every day on which a period of the grain begins, from a year before to a year after; none for `all`."""
    day, found = first_day - MORE_THAN_A_YEAR, []
    while day <= last_day + MORE_THAN_A_YEAR:
        if is_start(waterfall, grain, day):
            found.append(day)
        day += DAY
    return found


def is_start(waterfall: Waterfall, grain: str, day: date) -> bool:
    """Whether a period of the grain begins on this day."""
    opening = waterfall.fiscal_year_start
    quarters = [each if each <= 12 else each - 12 for each in (opening, opening + 3, opening + 6, opening + 9)]
    return {
        "day": True,
        "week": day.isoweekday() == waterfall.week_start,
        "month": day.day == 1,
        "quarter": day.day == 1 and day.month in quarters,
        "year": day.day == 1 and day.month == opening,
        "all": False,
    }[grain]


def label(waterfall: Waterfall, grain: str, start: date | None, end: date | None) -> str:
    """What a report calls the period; a fiscal year and its quarters carry the year in which the fiscal year ends."""
    if start is None or end is None:
        return "all time"
    if grain in ("day", "week"):
        return f"{'week of ' if grain == 'week' else ''}{start.isoformat()}"
    if grain == "month":
        return f"{MONTHS[start.month - 1]} {start.year}"
    fiscal = "" if waterfall.fiscal_year_start == 1 else "FY"
    last = end - DAY
    while not is_start(waterfall, "year", last + DAY):
        last += DAY
    if grain == "year":
        return f"{fiscal}{last.year}"
    quarter, day = 1, start
    while not is_start(waterfall, "year", day):
        quarter += is_start(waterfall, "quarter", day)
        day -= DAY
    return f"{fiscal}{last.year} Q{quarter}"
