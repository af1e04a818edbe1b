"""SQL that reads a time as text into UTC: ISO 8601, a strptime pattern, epoch seconds, or Excel's day number (E2).

An offset in the text decides. Without one the time is local to the input's zone: in a gap it means the first instant
after the gap, in an overlap the earlier of the two, and a note says which of the two happened.
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
"""The first UTC instant that is taken for a real time."""
MAX_TIME = datetime(2100, 1, 1)
"""The first UTC instant that is not."""

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
    """What a text says, before its zone counts, as SQL. `read` gives microseconds since 1970, `is_local` a boolean.

    Of several formats each has a step in `tries` (name and SQL), over the text and the tries before it; `read` and
    `is_local` are then over text and tries, and so are the two `formats`: the one that read the text, and a later one that
    reads another time in it.
    """

    read: str
    is_local: str
    tries: tuple[tuple[str, str], ...] = ()
    formats: tuple[str, ...] = ()


@dataclass(frozen=True)
class TimeSql:
    """`at` and `note` are over the results of the `first` step, under the names given to `reading`. `note` is None where no
    text can have one."""

    first: _ParsedText
    at: str
    note: str | None


TimeFormat = str | tuple[str, ...] | None
"""A format, several of which the first that reads a text counts, or None for ISO 8601."""


def time_sql(
    text: str, zone: str, time_format: TimeFormat, *, read: str, is_local: str, locale: str | None = None
) -> TimeSql:
    """The SQL for the expression `text`; `read` and `is_local` name the columns that hold the first step.

    `locale` is the language of the names of months in the text. `at` is a TIMESTAMP in UTC (null if unreadable), `note` is
    'gap', 'overlap' or null.
    """
    first = _parse_text(text, time_format, locale, read)
    at, note = _in_zone(zone, read, is_local, has_offset=first.is_local == "false")
    return TimeSql(first, at, note)


def _in_zone(zone: str, read: str, is_local: str, *, has_offset: bool) -> tuple[str, str | None]:
    """SQL for the UTC instant and for the note, None where there is none; `has_offset` says that every text has one."""
    start, found = zones.changes(zone)
    if has_offset or (not found and not start):
        return f"make_timestamp({read})", None
    utc = _by_interval(read, _utc_pieces(read, start, found))
    at = f"make_timestamp(case when {is_local} then {utc} else {read} end)"
    if not found:
        return at, None
    note = _by_interval(read, _note_pieces(found))
    return at, f"case when {is_local}{_hours_of_changes(read, found)} then {note} end"


def instant(text: str, time_format: str) -> str:
    """SQL for what one format reads of `text`: microseconds since 1970, local where it has no offset; null if unreadable."""
    return _one_format(text, time_format)[0]


def _hours_of_changes(local: str, found: tuple[zones.Change, ...]) -> str:
    """A cheap look at the time of day first: a zone changes at night, so that the search is for few rows."""
    touched = [(low % _MICROS_PER_DAY, high - low) for low, high in map(_changed_range, found)]
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
    """Each format has a column of its own, filled where none before it read the text: so no text is read twice."""
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


def _by_step(held: dict[str, str], otherwise: str = "") -> str:
    """SQL for what belongs to the try that read the text."""
    whens = " ".join(f"when {step} is not null then {each}" for step, each in held.items())
    return f"case {whens} {otherwise}end"


def ambiguous_pairs(formats: tuple[str, ...]) -> list[tuple[str, str]]:
    """Pairs of patterns, in their order, that read the same texts and differ in which number is the day, month or year."""
    shapes = [re.sub("%-?[dmy]", "%#", each) for each in formats]
    return [
        (formats[first], formats[second])
        for first, second in combinations(range(len(formats)), 2)
        if shapes[first] == shapes[second] and "%#" in shapes[first]
    ]


def _one_format(text: str, time_format: str | None, locale: str | None = None) -> tuple[str, str]:
    """SQL for the microseconds since 1970 that one format reads, and for whether they are local."""
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
    # The cast to TIMESTAMP drops an offset silently; the cast to TIMESTAMPTZ obeys it, and reads a naive text as UTC
    # because the session's zone is UTC. It knows no offset right behind minutes and no space before one, but many
    # things that are not ISO 8601: infinity, 2026-1-5, names of zones.
    spaceless = f"{text}[:11] || replace(replace({text}[12:], ' ', ''), 'UTC', 'Z')"
    with_seconds = f"regexp_replace({spaceless}, '^(.{{10}}.{_MINUTE})($|[Z+-])', '\\1:00\\2')"
    read = (
        f"case when regexp_full_match({text}, '{_AS_CAST}') then epoch_us(try_cast({text} as timestamptz)) "
        f"when regexp_full_match({text}, '{_OTHER}') then epoch_us(try_cast({with_seconds} as timestamptz)) end"
    )
    # An offset shows as a Z, a UTC, a plus or a third minus. A regular expression would take three times as long.
    offset = f"contains({text}, 'Z') or contains({text}, 'U') or contains({text}, '+') or {text} like '%-%-%-%'"
    return read, f"not ({offset})"


def _pattern(text: str, pattern: str, locale: str | None) -> tuple[str, str]:
    named = text if locale is None else months.in_english(text, locale, pattern)
    parsed = f"try_strptime({named}, {quoted(pattern)})"
    has_offset = "%z" in pattern.replace("%%", "") or "%Z" in pattern.replace("%%", "")
    return _or_with_plain_spaces(f"epoch_us({parsed})", text), "false" if has_offset else "true"


def _or_with_plain_spaces(read: str, text: str) -> str:
    """Browsers and spreadsheets write other spaces than that of the keyboard, before AM above all; only what can't be read
    as it is is looked at again."""
    plain = rf"trim(regexp_replace({text}, '[\p{{Z}}\x{{200E}}\x{{200F}}]+', ' ', 'g'))"
    return f"coalesce({read}, case when regexp_matches({text}, '[^ -~]|  ') then {read.replace(text, plain)} end)"


def _number(text: str, digits: int) -> str:
    whole = f"regexp_full_match({text}, '[0-9]{{1,{digits}}}([.][0-9]{{1,12}})?')"
    return f"case when {whole} then {text} end"


Intervals = tuple[list[int], list[str]]
"""Bounds in microseconds, ascending, and what holds before the first, between them and after the last."""


def _utc_pieces(local: str, start: int, found: tuple[zones.Change, ...]) -> Intervals:
    bounds, held = [], [_minus(local, start)]
    for change in found:
        bounds += _changed_range(change)
        is_gap = change.after > change.before
        held += [
            f"{micros(change.at)}::bigint" if is_gap else _minus(local, change.before),
            _minus(local, change.after),
        ]
    return bounds, held


def _note_pieces(found: tuple[zones.Change, ...]) -> Intervals:
    bounds, held = [], ["null::varchar"]
    for change in found:
        bounds += _changed_range(change)
        held += ["'gap'" if change.after > change.before else "'overlap'", "null::varchar"]
    return bounds, held


def _by_interval(value: str, pieces: Intervals) -> str:
    """A binary search as nested CASE: vectorised, and unlike a join it keeps the rows in file order."""
    bounds, held = pieces

    def search(low: int, high: int) -> str:
        if low == high:
            return held[low]
        middle = (low + high) // 2
        return f"case when {value} < {bounds[middle]} then {search(low, middle)} else {search(middle + 1, high)} end"

    return search(0, len(bounds))


def _changed_range(change: zones.Change) -> list[int]:
    """The local times that the change skips or repeats: from, to."""
    at = micros(change.at)
    return [at + min(change.before, change.after) * 1_000_000, at + max(change.before, change.after) * 1_000_000]


def _minus(local: str, offset: int) -> str:
    return f"({local} - ({offset * 1_000_000}))" if offset else local


def micros(naive_utc: datetime) -> int:
    """Microseconds since 1970."""
    return (naive_utc - _EPOCH) // timedelta(microseconds=1)
