"""SQL that replaces names of months, and AM and PM, of other languages with the English ones (data: CLDR)."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from pipeline.database.connection import quoted

if TYPE_CHECKING:
    from babel import Locale


def in_english(text: str, locale: str, pattern: str) -> str:
    """Return SQL for the text with the English names that `pattern` reads: %b short months, %B long months, %p AM and PM.

    `locale` is a CLDR locale, such as `de` or `pt-BR`. A text without such a name does not change.
    """
    english = text
    if "%b" in pattern or "%B" in pattern:
        english = _replace_names(english, months(locale, "abbreviated" if "%b" in pattern else "wide"))
    if "%p" in pattern:
        english = _replace_names(english, day_periods(locale))
    return english


@cache
def months(locale: str, width: str) -> dict[str, str]:
    """Return each month name, long or short, in lower case without its final point → the English name of that `width`."""
    english = _locale("en").months["format"][width]
    names = _locale(locale).months
    return {
        _normalised(name): english[number]
        for context in ("stand-alone", "format")
        for length in ("abbreviated", "wide")
        for number, name in names[context][length].items()
    }


@cache
def day_periods(locale: str) -> dict[str, str]:
    """Return the names for AM and PM, in lower case without the final point → AM or PM."""
    periods = _locale(locale).day_periods["format"]
    return {
        _normalised(names[half]): half.upper() for names in periods.values() for half in ("am", "pm") if half in names
    }


def _locale(name: str) -> Locale:
    from babel import Locale  # a slow import that most configurations do not need

    return Locale.parse(name.replace("-", "_"))


def _normalised(name: str) -> str:
    return " ".join(name.lower().split()).rstrip(".")


def _replace_names(text: str, names: dict[str, str]) -> str:
    listed = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    pattern = r"(?i)(?:^|[^\p{L}])((?:" + listed + r")[.]?)(?:$|[^\p{L}])"
    name = f"regexp_extract({text}, {quoted(pattern)}, 1)"
    whens = " ".join(f"when {quoted(local_name)} then {quoted(english)}" for local_name, english in names.items())
    # replace() with an empty name would match between all letters.
    return f"replace({text}, coalesce(nullif({name}, ''), chr(0)), case rtrim(lower({name}), '.') {whens} else '' end)"
