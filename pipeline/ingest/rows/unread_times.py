"""Describe times that an input's format can't read, and suggest a `time_format` that reads them.

A suggested format is never applied. If the texts do not show whether the month or the day comes first, both are suggested.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import duckdb

from pipeline.config.configuration import Input
from pipeline.ingest.rows import times
from pipeline.ingest.rows.shapes import shape_sql

MAX_SHAPES_SHOWN = 5
MAX_TEXTS_TRIED = 50
"""Texts for the first selection of formats; the selected ones are then tried on all texts."""
MIN_SHARE_TRIED = 0.8
MIN_SHARE_READ = 0.9
"""Share of the texts that a suggested format must read."""

_DATES = (
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%Y-%m-%d",
    "%m-%d-%Y",
    "%d-%m-%Y",
    "%m.%d.%Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%m/%d/%y",
    "%d/%m/%y",
    "%d.%m.%y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %b %Y",
    "%b %d, %Y",
    "%b %d %Y",
    "%d %B %Y",
    "%B %d, %Y",
)
_CLOCKS = ("", "%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p")
_BETWEEN = (" ", ", ", "T")
_NAMED_FORMATS = ("iso", "epoch_s", "epoch_ms", "excel")


@dataclass(frozen=True)
class UnreadTimes:
    """Counts of rows with an unreadable time, `empty` of them without a text; `shapes` (masked text, rows), most frequent first.

    The suggested `formats` read `read` of the rows with a text. There are two, month first and day first, if both fit.
    """

    rows: int
    empty: int
    shapes: tuple[tuple[str, int], ...]
    formats: tuple[str, ...] = ()
    read: int = 0


def describe(connection: duckdb.DuckDBPyConnection, input_: Input) -> UnreadTimes:
    """Return a description of the rows of `landing_rows` that are rejected as unreadable_time."""
    connection.execute(
        "create or replace temp table landing_unread as select unread_time as text, count(*) as entries "
        "from landing_rows where reason = 'unreadable_time' group by all"
    )
    rows, empty = connection.execute(
        "select coalesce(sum(entries), 0)::bigint, coalesce(sum(entries) filter (text is null), 0)::bigint "
        "from temp.landing_unread"
    ).fetchall()[0]
    shapes = connection.execute(
        f"select {shape_sql('text')} as shape, sum(entries)::bigint as entries from temp.landing_unread "
        f"where text is not null group by shape order by entries desc, shape limit {MAX_SHAPES_SHOWN}"
    ).fetchall()
    formats, read = _formats(connection, input_.time_formats) if rows > empty else ((), 0)
    connection.execute("drop table temp.landing_unread")
    return UnreadTimes(rows, empty, tuple((shape, count) for shape, count in shapes), formats, read)


def find_formats(connection: duckdb.DuckDBPyConnection, table: str, cell: str) -> tuple[str, ...]:
    """Return the formats that read most texts of a column, as in `UnreadTimes.formats`; `iso` for ISO 8601, () if none."""
    connection.execute(
        "create or replace temp table landing_unread as "
        rf"select trim(regexp_replace({cell}, '[\p{{Z}}]+', ' ', 'g')) as text, count(*) as entries "
        f"from {table} where {cell} is not null group by all"
    )
    suggested, _ = _formats(connection, (), MIN_SHARE_TRIED)
    connection.execute("drop table temp.landing_unread")
    return suggested


def advice(unread: UnreadTimes, input_: Input, *, has_others: bool) -> str:
    """Return shapes and lines to paste. `has_others`: the input also has rows that its current format reads."""
    shapes = ", ".join(f"`{shape}` ({rows:,})" for shape, rows in unread.shapes)
    empty = [f"{unread.empty:,} without a time"] if unread.empty else []
    lines = [f"  times look like {shapes}" if shapes else "", *(f"  {each}" for each in empty)]
    if shapes and not unread.formats:
        lines.append("  no usual format reads them; write the pattern as `time_format` of this input")
    if len(unread.formats) > 1:
        lines.append("  it is not clear whether the month or the day comes first: no day is above 12. Use one of")
    for each in unread.formats:
        lines += _lines_for(each, input_, has_others)
    return "\n".join(filter(None, lines))


def _lines_for(suggested: str, input_: Input, has_others: bool) -> list[str]:
    first = _first_unit(suggested)
    note = f"; the {first} comes first" if first else ""
    if not has_others:
        return [f'    time_format = "{suggested}"   # in [[inputs]] {input_.name}{note}']
    present = input_.time_formats
    if any(_swapped(each) == suggested for each in present):
        return [
            f'    time_format = "{suggested}"   # for these files{note}',
            f"    # Earlier files are read by {json.dumps(list(present))}; a list of both formats would mix up day and month. Give",
            "    # these files a folder and an [[inputs]] block of their own, with this line.",
        ]
    listed = json.dumps([*present, suggested], ensure_ascii=False)
    return [f"    time_format = {listed}   # in [[inputs]] {input_.name}: the first that reads a text counts{note}"]


def _formats(
    connection: duckdb.DuckDBPyConnection, present: tuple[str, ...], least: float = MIN_SHARE_READ
) -> tuple[tuple[str, ...], int]:
    """Return the formats, without the `present` ones, that read most texts, and the number of rows that they read."""
    texts = connection.execute(
        f"select text from temp.landing_unread where text is not null order by hash(text), text limit {MAX_TEXTS_TRIED}"
    ).fetchall()
    tried = [each for each in _candidates() if _reads_most(each, [text for (text,) in texts])]
    formats = [each for each in (*_NAMED_FORMATS, *tried) if each not in present]
    rows, *counts = _count(connection, formats)
    most = max(counts)
    if most < least * rows:
        return (), 0
    best = [each for each, count in zip(formats, counts, strict=True) if count == most]
    twin = next((each for each in best[1:] if each == _swapped(best[0])), None)
    return ((best[0], twin) if twin else (best[0],)), most


def _reads_most(pattern: str, texts: list[str]) -> bool:
    """Whether a pattern reads most texts, tested in Python: a query with all candidates needs seconds of planning.

    Texts without the punctuation of the pattern are skipped first, because Python compiles each pattern, which is slow.
    """
    marks = Counter(re.sub(r"%.|[\sT]", "", pattern))
    read = 0
    for text in texts:
        if all(text.count(mark) >= count for mark, count in marks.items()):
            with suppress(ValueError):
                datetime.strptime(text, pattern)
                read += 1
    return read >= MIN_SHARE_TRIED * len(texts)


def _count(connection: duckdb.DuckDBPyConnection, formats: list[str]) -> tuple[int, ...]:
    """Return the number of rows with a text, then the number that each format reads as a plausible time."""
    low, high = (times.micros(each) for each in (times.MIN_TIME, times.MAX_TIME))
    columns = ["sum(entries)::bigint"]
    for each in formats:
        read = times.instant("text", each)
        columns.append(f"coalesce(sum(entries) filter ({read} >= {low} and {read} < {high}), 0)::bigint")
    counts: tuple[int, ...] = connection.execute(
        f"select {', '.join(columns)} from temp.landing_unread where text is not null"
    ).fetchall()[0]
    return counts


def _candidates() -> list[str]:
    dated = [
        f"{date}{between}{clock}" if clock else date
        for date in _DATES
        for clock in _CLOCKS
        for between in (_BETWEEN if clock else ("",))
    ]
    return [*dated, *(f"{each} %z" for each in dated if "%H" in each)]


def _swapped(pattern: str) -> str:
    """Return the pattern with day and month swapped."""
    return pattern.replace("%m", "%D").replace("%d", "%m").replace("%D", "%d")


def _first_unit(pattern: str) -> str:
    """Return `month` or `day` if the pattern starts with both as numbers, so that they can be confused; else empty."""
    return {"%m": "month", "%d": "day"}.get(pattern[:2], "") if {"%m", "%d"} <= {pattern[:2], pattern[3:5]} else ""
