"""SQL that converts a text to a UTC time: ISO 8601, a strptime pattern, epoch seconds, or Excel's day number (E2).

A text without an offset is local time in the input's zone. In a gap it means the first instant after the gap, in an overlap the
earlier of the two instants; a note records either case.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations

from pipeline.database.connection import quoted
from pipeline.ingest.rows import months
from pipeline.waterfall import zones

MIN_TIME = datetime(2000, 1, 1)
"""Earlier UTC times are rejected."""
MAX_TIME = datetime(2100, 1, 1)
"""This and later UTC times are rejected."""

_EPOCH = datetime(1970, 1, 1)
_DAY = r"\d{4}-\d{2}-\d{2}"
_MINUTE = r"(?:[01]\d|2[0-3]):[0-5]\d"
_SECOND = r":[0-5]\d(?:[.]\d{1,9})?"
_OFFSET = r"(?:Z|UTC|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)"
_AS_CAST = f"{_DAY}(?:[ T]{_MINUTE}{_SECOND}{_OFFSET.replace('UTC|', '')}?)?"
_OTHER = f"{_DAY}[ T]{_MINUTE}(?:{_SECOND})? ?{_OFFSET}?"
_MICROS_PER_DAY = 86_400_000_000
_EXCEL_DAY_0 = _EPOCH - datetime(1899, 12, 30)


@dataclass(frozen=True)
class _ParsedText:
    """SQL for a text before its time zone is applied. `read` is microseconds since 1970, `is_local` a boolean.

    If there are several formats, each one has a step in `tries` (name and SQL) that uses the text and the steps before it. `read`,
    `is_local` and the two `formats` then use the text and the steps. The `formats` are the format that read the text, and a later
    one that reads it as another time.
    """

    read: str
    is_local: str
    tries: tuple[tuple[str, str], ...] = ()
    formats: tuple[str, ...] = ()


@dataclass(frozen=True)
class TypedValue:
    """SQL for a value: the `steps` it needs, the `tries` that these need, its note, and its format columns.

    `note` is None if no row can have one.
    """

    sql: str
    steps: tuple[str, ...] = ()
    tries: tuple[str, ...] = ()
    note: str | None = None
    formats: tuple[str, ...] = ()


TimeFormat = str | tuple[str, ...] | None
"""One format, several formats in order of priority, or None for ISO 8601."""


def time_sql(text: str, zone: str, time_format: TimeFormat, locale: str | None = None) -> TypedValue:
    """Return the SQL for a column of text: a TIMESTAMP in UTC (null if unreadable) with the note 'gap', 'overlap' or null.

    `locale` is the language of month names.
    """
    read, is_local = f"{text}__read", f"{text}__is_local"
    first = _parse_text(text, time_format, locale, read)
    at, note = _in_zone(zone, read, is_local, has_offset=first.is_local == "false")
    tries = tuple(f"{each} as {name}" for name, each in first.tries)
    return TypedValue(at, (f"{first.read} as {read}", f"{first.is_local} as {is_local}"), tries, note, first.formats)


def _in_zone(zone: str, read: str, is_local: str, *, has_offset: bool) -> tuple[str, str | None]:
    """Return SQL for the UTC time and the note (or None). `has_offset`: every text has an offset."""
    start, changes = zones.changes(zone)
    if has_offset or (not changes and not start):
        return f"make_timestamp({read})", None
    utc = _by_interval(read, _utc_intervals(read, start, changes))
    at = f"make_timestamp(case when {is_local} then {utc} else {read} end)"
    if not changes:
        return at, None
    note = _by_interval(read, _note_intervals(changes))
    return at, f"case when {is_local}{_hours_of_changes(read, changes)} then {note} end"


def instant(text: str, time_format: str) -> str:
    """Return SQL that reads `text` by one format: microseconds since 1970, local without an offset; null if unreadable."""
    return _one_format(text, time_format)[0]


def _hours_of_changes(local: str, changes: tuple[zones.Change, ...]) -> str:
    """Return a cheap test of the time of day. Zones change at night, so few rows need the search."""
    touched = [(low % _MICROS_PER_DAY, high - low) for low, high in map(_changed_range, changes)]
    first, last = min(low for low, _ in touched), max(low + length for low, length in touched)
    if last > _MICROS_PER_DAY:
        return ""
    return f" and {local} % {_MICROS_PER_DAY} >= {first} and {local} % {_MICROS_PER_DAY} < {last}"


def _parse_text(text: str, time_format: TimeFormat, locale: str | None, name: str) -> _ParsedText:
    formats = tuple(dict.fromkeys(time_format)) if isinstance(time_format, tuple) else ()
    if len(formats) > 1:
        return _parse_by_formats(text, formats, locale, name)
    return _ParsedText(*_one_format(text, formats[0] if isinstance(time_format, tuple) else time_format, locale))


def _parse_by_formats(text: str, formats: tuple[str, ...], locale: str | None, name: str) -> _ParsedText:
    """Return one step per format, which reads only the texts that no step before it has read."""
    steps = {each: f"{name}{number}" for number, each in enumerate(formats)}
    read = {each: _one_format(text, each, locale) for each in formats}
    tries: list[tuple[str, str]] = []
    for each, step in steps.items():
        unread = " and ".join(f"{before} is null" for before, _ in tries)
        tries.append((step, f"case when {unread} then {read[each][0]} end" if tries else read[each][0]))
    local = {step: read[each][1] for each, step in steps.items()}
    kind = f"enum({', '.join(map(quoted, formats))})"
    used = _by_step({step: f"{quoted(each)}::{kind}" for each, step in steps.items()})
    others = [
        f"when {steps[each]} <> ({read[later][0]}) then {quoted(later)}::{kind}"
        for each, later in ambiguous_pairs(formats)
    ]
    return _ParsedText(
        f"coalesce({', '.join(steps.values())})",
        _by_step(local, "else false ") if len(set(local.values())) > 1 else local[tries[0][0]],
        tuple(tries),
        (used, f"case {' '.join(others)} end" if others else f"null::{kind}"),
    )


def _by_step(values: dict[str, str], otherwise: str = "") -> str:
    """Return SQL for the value of the step that read the text."""
    whens = " ".join(f"when {step} is not null then {each}" for step, each in values.items())
    return f"case {whens} {otherwise}end"


def ambiguous_pairs(formats: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return pairs of patterns that read the same texts, but with day, month and year in another order."""
    shapes = [re.sub("%-?[dmy]", "%#", each) for each in formats]
    return [
        (formats[first], formats[second])
        for first, second in combinations(range(len(formats)), 2)
        if shapes[first] == shapes[second] and "%#" in shapes[first]
    ]


def _one_format(text: str, time_format: str | None, locale: str | None = None) -> tuple[str, str]:
    """Return SQL for the microseconds since 1970 by one format, and SQL for whether they are local."""
    if time_format is None or time_format == "iso":
        read, is_local = _iso(text)
        return _or_with_plain_spaces(read, text), is_local
    if time_format == "epoch_s":
        return f"({_number(text, 11)}::decimal(30,6) * 1000000)::bigint", "false"
    if time_format == "epoch_ms":
        return f"({_number(text, 14)}::decimal(30,6) * 1000)::bigint", "false"
    if time_format == "excel":
        # To the millisecond: a serial is a double, and 14:00 is stored as 0.583333333333.
        shift = _EXCEL_DAY_0 // timedelta(milliseconds=1)
        return f"(round({_number(text, 7)}::double * 86400000)::bigint - {shift}) * 1000", "true"
    return _pattern(text, time_format, locale)


def _iso(text: str) -> tuple[str, str]:
    # The cast to TIMESTAMP ignores an offset. The cast to TIMESTAMPTZ uses it, and reads a text without an offset as UTC because
    # the session's zone is UTC. It does not accept an offset directly after minutes or after a space. It does accept texts that
    # are not ISO 8601: infinity, 2026-1-5, names of zones. The regular expressions correct both.
    spaceless = f"{text}[:11] || replace(replace({text}[12:], ' ', ''), 'UTC', 'Z')"
    with_seconds = f"regexp_replace({spaceless}, '^(.{{10}}.{_MINUTE})($|[Z+-])', '\\1:00\\2')"
    read = (
        f"case when regexp_full_match({text}, '{_AS_CAST}') then epoch_us(try_cast({text} as timestamptz)) "
        f"when regexp_full_match({text}, '{_OTHER}') then epoch_us(try_cast({with_seconds} as timestamptz)) end"
    )
    # An offset is a Z, a UTC, a plus or a third minus. A regular expression is three times slower.
    offset = f"contains({text}, 'Z') or contains({text}, 'U') or contains({text}, '+') or {text} like '%-%-%-%'"
    return read, f"not ({offset})"


def _pattern(text: str, pattern: str, locale: str | None) -> tuple[str, str]:
    named = text if locale is None else months.in_english(text, locale, pattern)
    parsed = f"try_strptime({named}, {quoted(pattern)})"
    has_offset = "%z" in pattern.replace("%%", "") or "%Z" in pattern.replace("%%", "")
    return _or_with_plain_spaces(f"epoch_us({parsed})", text), "false" if has_offset else "true"


def _or_with_plain_spaces(read: str, text: str) -> str:
    """Return SQL that reads again, with plain spaces, what could not be read.

    Browsers and spreadsheets write special spaces, mostly before AM or PM.
    """
    plain = rf"trim(regexp_replace({text}, '[\p{{Z}}\x{{200E}}\x{{200F}}]+', ' ', 'g'))"
    return f"coalesce({read}, case when regexp_matches({text}, '[^ -~]|  ') then {read.replace(text, plain)} end)"


def _number(text: str, digits: int) -> str:
    whole = f"regexp_full_match({text}, '[0-9]{{1,{digits}}}([.][0-9]{{1,12}})?')"
    return f"case when {whole} then {text} end"


Intervals = tuple[list[int], list[str]]
"""Ascending bounds in microseconds, and the SQL before the first, between them, and after the last."""


def _utc_intervals(local: str, start: int, changes: tuple[zones.Change, ...]) -> Intervals:
    bounds, values = [], [_minus(local, start)]
    for change in changes:
        bounds += _changed_range(change)
        is_gap = change.after > change.before
        values += [
            f"{micros(change.at)}::bigint" if is_gap else _minus(local, change.before),
            _minus(local, change.after),
        ]
    return bounds, values


def _note_intervals(changes: tuple[zones.Change, ...]) -> Intervals:
    bounds, values = [], ["null::varchar"]
    for change in changes:
        bounds += _changed_range(change)
        values += ["'gap'" if change.after > change.before else "'overlap'", "null::varchar"]
    return bounds, values


def _by_interval(value: str, intervals: Intervals) -> str:
    """Return a binary search as nested CASE. It is vectorised, and unlike a join keeps the order of the file."""
    bounds, values = intervals

    def search(low: int, high: int) -> str:
        if low == high:
            return values[low]
        middle = (low + high) // 2
        return f"case when {value} < {bounds[middle]} then {search(low, middle)} else {search(middle + 1, high)} end"

    return search(0, len(bounds))


def _changed_range(change: zones.Change) -> list[int]:
    """Return the first and last local time that a zone change skips or repeats."""
    at = micros(change.at)
    return [at + min(change.before, change.after) * 1_000_000, at + max(change.before, change.after) * 1_000_000]


def _minus(local: str, offset: int) -> str:
    return f"({local} - ({offset * 1_000_000}))" if offset else local


def micros(naive_utc: datetime) -> int:
    """Return the microseconds since 1970."""
    return (naive_utc - _EPOCH) // timedelta(microseconds=1)
