"""Models too large for the memory, built part by part: ranges of a number that splits their rows.

DuckDB spills sorts, joins and groups to disk, but neither lists nor quantiles, and a window over a long history spills
for so long that parts are quicker. Such a model names in its header by which number its rows can be split (`-- parts:`)
and what a row of its input takes. It reads the range from variables of the connection; without them, as for somebody
who pastes the file, it takes everything. They are variables and not rows of a table because the planner takes a variable
for a constant: a scan then skips what lies outside the range.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import duckdb

from pipeline.database.connection import literal
from pipeline.settings import Settings
from pipeline.transform.header import Parts

SHARE = 0.4
"""Of the memory limit: what the rows of one part may take. The rest is for joins beside them and for tables in the cache."""

BUCKETS = 4096
"""Into so many pieces a number is counted to find ranges of about equal weight."""

Variables = dict[str, int | str]
"""What the connection is told of a part. An empty dictionary is everything."""


@dataclass(frozen=True)
class _Piece:
    """A range of a number and how many rows it stands for. Without a first or last value it is open to that side."""

    each: str | None
    first: int | None
    last: int | None
    rows: int


def parts(connection: duckdb.DuckDBPyConnection, splits: tuple[Parts, ...]) -> tuple[Variables, ...]:
    """The parts in which to build a model, in their order; a single one without limits if it fits as a whole.

    A model with several numbers has rows of several kinds, each split by its own; a part has rows of one kind only. Of
    each kind every number is in one part, also one that the counted table has not.
    """
    limit = SHARE * _memory(connection)
    pieces = {split: _pieces(connection, split) for split in splits}
    if sum(piece.rows * split.bytes_each for split in splits for piece in pieces[split]) <= limit:
        return ({},)
    found: list[Variables] = []
    for split in splits:
        nothing = {name: value for other in splits if other != split for name, value in _between(other, 1, 0).items()}
        for piece in _joined(_together(pieces[split], limit / split.bytes_each)):
            one = {f"one_{split.each}": piece.each} if piece.each is not None else {}
            found.append({**nothing, **_between(split, piece.first, piece.last), **one})
    return tuple(found)


@contextmanager
def over(connection: duckdb.DuckDBPyConnection, part: Variables) -> Iterator[None]:
    """Set the variables of a part, and take them back."""
    try:
        for name, value in part.items():
            connection.execute(f"set variable {name} = {literal(value)}")
        yield
    finally:
        for name in part:
            connection.execute(f"reset variable {name}")


def _between(split: Parts, first: int | None, last: int | None) -> Variables:
    ends = {f"first_{split.key}": first, f"last_{split.key}": last}
    return {name: value for name, value in ends.items() if value is not None}


def _pieces(connection: duckdb.DuckDBPyConnection, split: Parts) -> list[_Piece]:
    """Pieces that hold every value there is, in their order."""
    rows = connection.execute(
        f"""
        with
        bounds as (
            select min({split.key}) as lowest, (max({split.key}) - min({split.key})) // {BUCKETS} + 1 as width
            from {split.table}
        )
        select
            {split.each or "null"} as each_value,
            min({split.key}) as first_value,
            max({split.key}) as last_value,
            cast({split.rows} as bigint)
        from {split.table}
        cross join bounds
        group by each_value, ({split.key} - bounds.lowest) // bounds.width
        order by each_value, first_value
        """
    ).fetchall()
    return [_Piece(each, int(first), int(last), int(count)) for each, first, last, count in rows]


def _together(pieces: list[_Piece], most: float) -> list[_Piece]:
    """Neighbours put together while they have at most so many rows; a piece with more stays alone."""
    found: list[_Piece] = []
    for piece in pieces:
        if found and found[-1].each == piece.each and found[-1].rows + piece.rows <= most:
            found[-1] = replace(found[-1], last=piece.last, rows=found[-1].rows + piece.rows)
        else:
            found.append(piece)
    return found


def _joined(pieces: list[_Piece]) -> list[_Piece]:
    """Without gaps: each begins where the one before it ends, the first and last of a kind are open. Of nothing, one of all."""
    found: list[_Piece] = []
    for piece in pieces:
        before = found[-1] if found and found[-1].each == piece.each else None
        if found and before is None:
            found[-1] = replace(found[-1], last=None)
        first = None if before is None or before.last is None else before.last + 1
        found.append(replace(piece, first=first))
    return [*found[:-1], replace(found[-1], last=None)] if found else [_Piece(None, None, None, 0)]


def _memory(connection: duckdb.DuckDBPyConnection) -> float:
    row = connection.execute("select current_setting('memory_limit')").fetchone()
    return Settings(str(row[0]) if row else "", 1).memory
