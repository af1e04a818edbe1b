"""Computes dense ranks 1, 2 … of path stages from positions and written ranks. Equal ranks are parallel stages."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

Rank = Fraction | int


def by_position(written: Sequence[int | None]) -> list[int]:
    """Return the ranks of path stages in file order: the written rank, else one more than the stage before.

    Any order is valid; equal ranks are parallel.
    """
    ranks: list[int] = []
    for rank in written:
        ranks.append(rank if rank is not None else (ranks[-1] + 1 if ranks else 1))
    return ranks


def between(placed: Sequence[Rank | None]) -> list[Rank]:
    """Return the ranks of path stages on top of a preset. A stage without a rank gets its own, just above the stage before.

    This is a fraction below the next rank, so a written rank still means the rank that `funnel presets` prints.
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
    """Return the same order as 1, 2 … without gaps."""
    places = {rank: place for place, rank in enumerate(sorted(set(ranks)), start=1)}
    return [places[rank] for rank in ranks]
