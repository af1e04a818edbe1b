"""From what stages say about their place to dense numbers 1, 2 … along the path; equal ranks are parallel stages."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

Rank = Fraction | int


def by_position(written: Sequence[int | None]) -> list[int]:
    """The ranks of path stages in file order: as written, and where nothing is written one above the stage before.

    So positions count 1, 2 … until a written rank restarts the count. Any order is legal; equal ranks are parallel.
    """
    ranks: list[int] = []
    for rank in written:
        ranks.append(rank if rank is not None else (ranks[-1] + 1 if ranks else 1))
    return ranks


def between(placed: Sequence[Rank | None]) -> list[Rank]:
    """The ranks of path stages on top of a preset: a stage without a rank stands alone, just above the one before it.

    It takes the middle to the next rank above, so that a written rank still means what `funnel presets` prints.
    """
    taken = {rank for rank in placed if rank is not None}
    ranks: list[Rank] = []
    for rank in placed:
        if rank is None:
            before = ranks[-1] if ranks else min(taken, default=Fraction(2)) - 2
            above = [other for other in taken if other > before]
            rank = (Fraction(before) + Fraction(min(above))) / 2 if above else before + 1
            taken.add(rank)
        ranks.append(rank)
    return ranks


def dense(ranks: Sequence[Rank]) -> list[int]:
    """The same order as 1, 2 … without gaps."""
    places = {rank: place for place, rank in enumerate(sorted(set(ranks)), start=1)}
    return [places[rank] for rank in ranks]
