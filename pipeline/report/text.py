"""Format numbers, dates and names as report text.

0% and 100% appear only for exact values. A missing value is a dash. Words are English, numbers and days follow a locale.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime

from pipeline.config.locale import EN_US, Locale

DASH = "–"
MANY_UNITS = 1000
"""Units from which a whole percentage would hide a difference."""
SMALL_SAMPLE = 20
"""Rates of fewer units are shown in grey."""
THIN = "\u202f"
"""Narrow no-break space, before a unit."""
MINUS = "−"


_LOCALE: ContextVar[Locale] = ContextVar("locale", default=EN_US)


@contextmanager
def written_in(locale: Locale) -> Iterator[None]:
    """Write all numbers and days inside the block by this locale."""
    before = _LOCALE.set(locale)
    try:
        yield
    finally:
        _LOCALE.reset(before)


def _fixed(value: float, decimals: int) -> str:
    """Return a number with this many decimals and the separators of the locale."""
    locale = _LOCALE.get()
    return f"{value:,.{decimals}f}".translate({44: locale.group, 46: locale.decimal})


def count(value: int | None) -> str:
    """Return a count with thousands separators; a dash for None."""
    if value is None:
        return DASH
    text = _fixed(abs(value), 0)
    return f"{MINUS}{text}" if value < 0 else text


def rate(value: float | None) -> str:
    """Return a share as a percentage with one decimal. Only exact 0 and 1 give 0% and 100%."""
    if value is None:
        return DASH
    percent = value * 100
    if value == 0:
        text = "0"
    elif percent < 0.05:
        text = f"<{_fixed(0.1, 1)}"
    elif value == 1:
        text = "100"
    elif value < 1 and percent >= 99.95:
        text = f">{_fixed(99.9, 1)}"
    elif value > 1 and percent < 100.05:
        text = ">100"
    else:
        text = _fixed(percent, 1)
    return f"{text}{_LOCALE.get().percent}"


def percent(value: float | None, units: int | None = None) -> str:
    """Return a share as a whole percentage; with one decimal if it is of at least a thousand units."""
    if value is None or (units or 0) >= MANY_UNITS:
        return rate(value)
    whole = f"{value * 100:.0f}"
    if whole == "0" and value > 0:
        whole = "<1"
    elif whole == "100" and value < 1:
        whole = ">99"
    return f"{whole}{_LOCALE.get().percent}"


def whole_percent(value: float) -> str:
    """Return a share on a scale, such as `40%`."""
    return f"{100 * value:.0f}{_LOCALE.get().percent}"


def interval(low: float | None, high: float | None) -> str:
    """Return the bounds of a 95% interval; a dash if there is none."""
    if low is None or high is None:
        return DASH
    return f"{rate(low).removesuffix(_LOCALE.get().percent)}–{rate(high)}"


def points(value: float | None) -> str:
    """Return a difference of two shares in percentage points, with its sign."""
    if value is None:
        return DASH
    size = abs(value) * 100
    if value != 0 and size < 0.05:
        return f"{'+' if value > 0 else MINUS}<{_fixed(0.1, 1)}{THIN}pts"
    sign = "+" if value > 0 else MINUS if value < 0 else "±"
    return f"{sign}{_fixed(size, 1)}{THIN}pts"


def distance(value: float | None) -> str:
    """Return the size of a difference of two shares in percentage points, without a sign."""
    return points(value).lstrip(f"+{MINUS}±")


def days(value: float | None) -> str:
    """Return a duration in days with one decimal, or in hours below two days."""
    if value is None:
        return DASH
    if value == 0:
        return f"0{THIN}h"
    if value < 2:
        hours = value * 24
        return f"<{_fixed(0.1, 1)}{THIN}h" if hours < 0.05 else f"{_fixed(hours, 1)}{THIN}h"
    return f"{_fixed(value, 1)}{THIN}d"


def whole_days(value: float) -> str:
    """Return a duration in whole days, such as `213 days`; below two days as `days` does."""
    return days(value) if value < 2 else plural(round(value), "day")


def ratio(value: float | None) -> str:
    """Return leads per account as `2.1 : 1`; a dash without accounts."""
    return DASH if value is None else f"{_fixed(value, 2)}{THIN}:{THIN}1"


def number(value: float | None) -> str:
    """Return a number with at most one decimal; a dash for None."""
    return DASH if value is None else _fixed(value, 0 if float(f"{value:.1f}").is_integer() else 1)


def month(value: date | None) -> str:
    """Return `Dec 2025`; a dash for None. Always English."""
    return DASH if value is None else f"{MONTHS[value.month - 1]} {value.year}"


def short_month(value: date) -> str:
    """Return `Dec ’25`."""
    return f"{MONTHS[value.month - 1]} ’{value.year % 100:02d}"


def period(value: date | None, is_partial: bool) -> str:
    """Return the month, marked if as-of is before its end: `Dec 2025 (so far)`."""
    return month(value) + (PARTIAL_SUFFIX if is_partial and value is not None else "")


def short_period(value: date, is_partial: bool) -> str:
    """Return the month for the axis of a chart, with one sign for a partial month: `Dec ’25*`."""
    return short_month(value) + (PARTIAL_SIGN if is_partial else "")


def month_name(value: date) -> str:
    """Return `Dec`."""
    return MONTHS[value.month - 1]


def day(value: date | None) -> str:
    """Return an ISO date; a dash for None."""
    return DASH if value is None else value.isoformat()


def day_in_words(value: date) -> str:
    """Return `Dec 31, 2025`, or `31 Dec 2025` where the locale puts the day first."""
    if _LOCALE.get().is_month_first:
        return f"{month_name(value)} {value.day}, {value.year}"
    return f"{value.day} {month(value)}"


def short_day(value: date) -> str:
    """Return `Dec 31`, or `31 Dec` where the locale puts the day first."""
    words = (month_name(value), str(value.day))
    return " ".join(words if _LOCALE.get().is_month_first else reversed(words))


def moment(value: datetime) -> str:
    """Return `Dec 31, 2025, 23:59:59`."""
    return f"{day_in_words(value)}, {value:%H:%M:%S}"


def isolated(name: str) -> str:
    """Return the name wrapped in Unicode isolates if it contains right-to-left or direction characters."""
    if all(unicodedata.bidirectional(letter) not in DIRECTIONAL_CLASSES for letter in name):
        return name
    return f"{FIRST_STRONG_ISOLATE}{name}{POP_ISOLATE}"


def other_values(count: int) -> str:
    """Return the name of all values of a dimension that have no row of their own: `4 other values`."""
    return plural(count, "other value")


def plural(value: int, one: str, many: str | None = None) -> str:
    """Return `1 row` or `2 rows`, with the count formatted."""
    return f"{count(value)} {one if value == 1 else many or one + 's'}"


PARTIAL_SUFFIX, PARTIAL_SIGN = " (so far)", "*"
BEFORE_COVERAGE_SIGN = "†"
"""Marks a month whose cohorts begin before the history is complete."""
DIRECTIONAL_CLASSES = frozenset({"R", "AL", "AN", "RLE", "RLO", "RLI", "LRE", "LRO", "LRI", "FSI", "PDF", "PDI"})
FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
