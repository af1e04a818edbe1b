"""Names of months, and of the halves of a day, in other languages: SQL that puts the English ones in their place (CLDR)."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from pipeline.database.connection import quoted

if TYPE_CHECKING:
    from babel import Locale


def in_english(text: str, locale: str, pattern: str) -> str:
    """SQL for the text with the English names that `pattern` reads: %b the short ones, %B the long ones, %p AM and PM.

    `locale` is one that CLDR has, such as `de` or `pt-BR`. A text without such a name stays as it is.
    """
    found = text
    if "%b" in pattern or "%B" in pattern:
        found = _replace_names(found, months(locale, "abbreviated" if "%b" in pattern else "wide"))
    if "%p" in pattern:
        found = _replace_names(found, halves(locale))
    return found


@cache
def months(locale: str, width: str) -> dict[str, str]:
    """Each name of a month, long or short, in lower case without a point at its end → the English name of that `width`."""
    english = _locale("en").months["format"][width]
    held = _locale(locale).months
    return {
        _normalised(name): english[number]
        for context in ("stand-alone", "format")
        for length in ("abbreviated", "wide")
        for number, name in held[context][length].items()
    }


@cache
def halves(locale: str) -> dict[str, str]:
    """What the language writes for AM and PM, in lower case without a point at its end."""
    held = _locale(locale).day_periods["format"]
    return {_normalised(names[half]): half.upper() for names in held.values() for half in ("am", "pm") if half in names}


def _locale(name: str) -> Locale:
    from babel import Locale  # only here: most configurations need none, and `funnel --help` must answer at once

    return Locale.parse(name.replace("-", "_"))


def _normalised(name: str) -> str:
    return " ".join(name.lower().split()).rstrip(".")


def _replace_names(text: str, names: dict[str, str]) -> str:
    listed = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    pattern = r"(?i)(?:^|[^\p{L}])((?:" + listed + r")[.]?)(?:$|[^\p{L}])"
    name = f"regexp_extract({text}, {quoted(pattern)}, 1)"
    whens = " ".join(f"when {quoted(ours)} then {quoted(english)}" for ours, english in names.items())
    # An empty name would be found between any two letters.
    return f"replace({text}, coalesce(nullif({name}, ''), chr(0)), case rtrim(lower({name}), '.') {whens} else '' end)"
