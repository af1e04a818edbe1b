"""K10 by trying everything: how deep a unit's entries go into a chain of steps. Slow, and meant to be."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

Entries = Sequence[tuple[str, datetime]]
"""Stage and time of one unit's entries, in their order."""


def depth(entries: Entries, steps: Sequence[str], mode: str, window: timedelta | None) -> int:
    """The largest k for which some choice of entries, one for each of the first k steps, is a chain of that mode."""
    return max((k for k in range(1, len(steps) + 1) if _any_chain(entries, steps[:k], mode, window)), default=0)


def _any_chain(entries: Entries, steps: Sequence[str], mode: str, window: timedelta | None) -> bool:
    for places in _choices(entries, steps):
        times = [entries[place][1] for place in places]
        if window is not None and max(times) - min(times) > window:
            continue
        neighbours = list(itertools.pairwise(places))
        if mode == "any_order" or (
            all(one < next_ for one, next_ in neighbours)
            and (mode != "strict" or all(one + 1 == next_ for one, next_ in neighbours))
            and (mode != "increasing" or all(entries[one][1] < entries[next_][1] for one, next_ in neighbours))
        ):
            return True
    return False


def _choices(entries: Entries, steps: Sequence[str]) -> Iterator[tuple[int, ...]]:
    if not steps:
        yield ()
        return
    for rest in _choices(entries, steps[:-1]):
        for place, (stage, _) in enumerate(entries):
            if stage == steps[-1]:
                yield (*rest, place)
