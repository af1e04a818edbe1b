"""Guess which columns of a file contain times, ids and stage names, from their texts first and their headers second."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from pipeline.ingest.rows import unread_times
from pipeline.init.sampling import Sample, words

_MAX_STAGES = 60
"""Different texts in a stage column."""
_ID_WORDS = "lead contact record prospect person deal opportunity customer id vid key nr"
_NO_ID_WORDS = "owner source name email type score"
_STAGE_WORDS = "stage status lifecycle phase to new value state step"
_TIME_WORDS = "entered changed edit date timestamp time at on since when modified created"

_OFFSET = "(Z|UTC|[+-][0-9]{2}:?[0-9]{2})$"
_NUMBER = "[0-9]{1,9}([.][0-9]+)?"
"""An id, a count or an amount; epoch times have more digits."""


@dataclass(frozen=True)
class TimeColumn:
    """A column of times. `formats` has one pattern, two if day and month are ambiguous, none for ISO 8601."""

    position: int
    formats: tuple[str, ...]
    has_offset: bool
    share_filled: float


def time_columns(connection: duckdb.DuckDBPyConnection, sample: Sample) -> tuple[TimeColumn, ...]:
    """Return the columns in which nearly all texts are times."""
    columns = []
    for position in range(len(sample.names)):
        cell = f"c{position}"
        filled, rows, offsets, numbers = connection.execute(
            f"select count({cell}), count(*), count(*) filter (regexp_matches({cell}, '{_OFFSET}')), "
            f"count(*) filter (regexp_full_match({cell}, '{_NUMBER}')) from {sample.table}"
        ).fetchall()[0]
        if not filled or numbers:
            continue
        formats = unread_times.find_formats(connection, sample.table, cell)
        if formats:
            columns.append(
                TimeColumn(position, () if formats[0] == "iso" else formats, offsets > filled / 2, filled / rows)
            )
    return tuple(columns)


def guess_history(
    connection: duckdb.DuckDBPyConnection, sample: Sample, times: tuple[TimeColumn, ...]
) -> tuple[int | None, int | None, int | None]:
    """Guess the positions of lead, stage and time in a history with one row per stage entry; None if no column fits."""
    timed = {each.position for each in times}
    entered = _best([each.position for each in times if each.share_filled > 0.9], sample, _TIME_WORDS)
    distinct, rows = _distinct(connection, sample)
    free = [position for position in range(len(sample.names)) if position not in timed and distinct[position]]
    lead = _best([each for each in free if _may_be_id(sample.names[each])], sample, _ID_WORDS)
    stages = [each for each in free if each != lead and distinct[each] <= min(_MAX_STAGES, max(2, rows))]
    stage = _best([each for each in stages if words(sample.names[each]) & words(_STAGE_WORDS)], sample, _STAGE_WORDS)
    return lead, stage, entered


def _may_be_id(header: str) -> bool:
    header_words = words(header)
    return bool(header_words & {"id", "vid", "key", "nr"}) or (
        bool(header_words & words(_ID_WORDS)) and not header_words & words(f"{_STAGE_WORDS} {_NO_ID_WORDS}")
    )


def has_salesforce_ids(connection: duckdb.DuckDBPyConnection, sample: Sample, header: str) -> bool:
    """Whether every id in the column is a Salesforce id of a lead, contact, opportunity or account (15 or 18 characters)."""
    cell = f"c{sample.names.index(header)}"
    (is_one,) = connection.execute(
        f"select coalesce(bool_and(regexp_full_match({cell}, '00[136Q][0-9A-Za-z]{{12}}([0-9A-Za-z]{{3}})?')), false) "
        f"from {sample.table} where {cell} is not null"
    ).fetchall()[0]
    return bool(is_one)


def _best(positions: list[int], sample: Sample, wanted_words: str) -> int | None:
    """Return the position whose header has the first of these words; the first position if several match equally."""
    wanted = wanted_words.split()

    def rank(position: int) -> tuple[int, int]:
        places = [wanted.index(word) for word in words(sample.names[position]) if word in wanted]
        return (min(places, default=len(wanted)), position)

    return min(positions, key=rank, default=None)


def _distinct(connection: duckdb.DuckDBPyConnection, sample: Sample) -> tuple[list[int], int]:
    counts = ", ".join(f"count(distinct c{position})" for position in range(len(sample.names)))
    *distinct, rows = connection.execute(f"select {counts}, count(*) from {sample.table}").fetchall()[0]
    return distinct, rows
