"""The pattern of a time as DuckDB's strptime reads it, and the translation of those that spreadsheets and CRMs show."""

from __future__ import annotations

import re

OTHERS = ("iso", "epoch_s", "epoch_ms", "excel")
"""What `time_format` may be beside a pattern."""

_TOKEN = re.compile(
    r"(?P<quoted>'[^']*')|(?P<half>am/pm|a/p|am|pm|tt|a)(?![a-z])"
    r"|(?P<year>y+)|(?P<month>m+)|(?P<day>d+)|(?P<hour>h+)|(?P<second>s+)|(?P<fraction>f+)"
    r"|(?P<offset>x+|z+)|(?P<other>[^a-z]|t(?=[^a-z]|h))",
    re.IGNORECASE,
)
_LETTERS = {
    "year": {4: "%Y", 2: "%y", 1: "%Y"},
    "month": {4: "%B", 3: "%b", 2: "%m", 1: "%m"},
    "day": {2: "%d", 1: "%d"},
    "hour": {2: "%H", 1: "%H"},
    "minute": {2: "%M", 1: "%M"},
    "second": {2: "%S", 1: "%S"},
    "fraction": {6: "%f", 3: "%g"},
}

_ORACLE = re.compile(r"hh24|mi(?![a-z])", re.IGNORECASE)
_OF_ORACLE = {"hh24": "HH", "mi": "mm"}


def checked(text: str) -> str:
    """`text` itself if it is a pattern or one of the others. ValueError with its translation, ready to paste, if not."""
    if text in OTHERS or "%" in text:
        return text
    found = translated(text)
    if found is None:
        raise ValueError('must be a pattern such as "%m/%d/%Y %H:%M", or epoch_s, epoch_ms or excel')
    raise ValueError(f'`{text}` is not how a pattern is written here; write time_format = "{found}"')


def translated(text: str) -> str | None:
    """`MM/DD/YYYY HH:mm` as `%m/%d/%Y %H:%M`; None for what names no date of year, month and day.

    Capitals mean nothing: an M is a minute behind an hour or before a second, else a month.
    """
    tokens = _tokens(_ORACLE.sub(lambda found: _OF_ORACLE[found.group().lower()], text))
    if tokens is None:
        return None
    kinds = [kind for kind, _ in tokens if kind != "other"]
    if not {"year", "month", "day"} <= set(kinds) or len(set(kinds)) < len(kinds):
        return None
    pattern = []
    for kind, written in tokens:
        letters = _LETTERS.get(kind, {}).get(len(written))
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
    """What the text consists of, as (kind, as written); None where it has letters that mean nothing."""
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
    fields = [number for number, kind in enumerate(kinds) if kind != "other"]
    before = dict(zip(fields, ["", *(kinds[number] for number in fields)], strict=False))
    after = dict(zip(fields, [*(kinds[number] for number in fields[1:]), ""], strict=False))
    minutes = {
        number
        for number in fields
        if kinds[number] == "month" and (before[number] == "hour" or after[number] == "second")
    }
    return [("minute" if number in minutes else kind, written) for number, (kind, written) in enumerate(tokens)]
