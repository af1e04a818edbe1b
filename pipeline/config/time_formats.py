"""Time formats: patterns of DuckDB's strptime, and translations of patterns that spreadsheets and CRMs show."""

from __future__ import annotations

import re

OTHERS = ("iso", "epoch_s", "epoch_ms", "excel")
"""Values of `time_format` other than a pattern."""

_TOKEN = re.compile(
    r"(?P<quoted>'[^']*')|(?P<half>am/pm|a/p|am|pm|tt|a)(?![a-z])"
    r"|(?P<year>y+)|(?P<month>m+)|(?P<day>d+)|(?P<hour>h+)|(?P<second>s+)|(?P<fraction>f+)"
    r"|(?P<offset>x+|z+)|(?P<other>[^a-z]|t(?=[^a-z]|h))",
    re.IGNORECASE,
)
_DIRECTIVES = {
    "year": {4: "%Y", 2: "%y", 1: "%Y"},
    "month": {4: "%B", 3: "%b", 2: "%m", 1: "%m"},
    "day": {2: "%d", 1: "%d"},
    "hour": {2: "%H", 1: "%H"},
    "minute": {2: "%M", 1: "%M"},
    "second": {2: "%S", 1: "%S"},
    "fraction": {6: "%f", 3: "%g"},
}

_ORACLE = re.compile(r"hh24|mi(?![a-z])", re.IGNORECASE)
_ORACLE_TOKENS = {"hh24": "HH", "mi": "mm"}


def check_format(text: str) -> str:
    """Return `text` if it is valid. Raises ValueError, with a translation to paste if there is one."""
    if text in OTHERS or "%" in text:
        return text
    found = translate(text)
    if found is None:
        raise ValueError('must be a pattern such as "%m/%d/%Y %H:%M", or epoch_s, epoch_ms or excel')
    raise ValueError(f'`{text}` is not a strptime pattern; write time_format = "{found}"')


def translate(text: str) -> str | None:
    """Translate `MM/DD/YYYY HH:mm` to `%m/%d/%Y %H:%M`. Returns None for a text without year, month and day.

    Case is ignored: M is a minute after an hour or before a second, else a month.
    """
    tokens = _tokens(_ORACLE.sub(lambda found: _ORACLE_TOKENS[found.group().lower()], text))
    if tokens is None:
        return None
    kinds = [kind for kind, _ in tokens if kind != "other"]
    if not {"year", "month", "day"} <= set(kinds) or len(set(kinds)) < len(kinds):
        return None
    pattern = []
    for kind, written in tokens:
        letters = _DIRECTIVES.get(kind, {}).get(len(written))
        if kind == "other":
            pattern.append(written)
        elif kind == "half":
            pattern.append("%p")
        elif kind == "offset":
            pattern.append("%z")
        elif letters is None:
            return None
        else:
            pattern.append("%I" if kind == "hour" and "half" in kinds else letters)
    return "".join(pattern)


def _tokens(text: str) -> list[tuple[str, str]] | None:
    """Return the tokens of the text as (kind, text); None if it has unknown letters."""
    tokens: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            return None
        kind, written = found.lastgroup, found.group()
        if kind == "quoted":
            kind, written = "other", written.strip("'")
        if kind == "second" and tokens[-1:] == [("other", ".")] and any(each == "second" for each, _ in tokens):
            kind = "fraction"
        tokens.append((kind, written))
        at = found.end()
    return _with_minutes(tokens)


def _with_minutes(tokens: list[tuple[str, str]]) -> list[tuple[str, str]]:
    kinds = [kind for kind, _ in tokens]
    fields = [(number, kind) for number, kind in enumerate(kinds) if kind != "other"]
    beside = zip([(-1, ""), *fields], fields, [*fields[1:], (-1, "")], strict=False)
    minutes = {
        number
        for (_, before), (number, kind), (_, after) in beside
        if kind == "month" and (before == "hour" or after == "second")
    }
    return [("minute" if number in minutes else kind, written) for number, (kind, written) in enumerate(tokens)]
