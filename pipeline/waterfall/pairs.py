"""What conversion can be measured between: a mark is a path stage or a group, a pair is two marks in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.waterfall.definition import Group, Pair, Stage, Waterfall


@dataclass(frozen=True)
class Mark:
    """A path stage or a group with its span of ranks; a single stage has one rank and itself as member."""

    key: str
    label: str
    low_rank: int
    high_rank: int
    members: tuple[str, ...]
    is_group: bool


def marks(stages: Sequence[Stage], groups: Sequence[Group]) -> tuple[Mark, ...]:
    """Every path stage in definition order, then every group."""
    ranks = {stage.key: stage.rank for stage in stages if stage.rank is not None}
    singles = [
        Mark(stage.key, stage.label, stage.rank, stage.rank, (stage.key,), is_group=False)
        for stage in stages
        if stage.rank is not None
    ]
    sets = [
        Mark(
            group.key,
            group.label,
            min(ranks[key] for key in group.stages),
            max(ranks[key] for key in group.stages),
            group.stages,
            is_group=True,
        )
        for group in groups
    ]
    return (*singles, *sets)


def legal_pairs(waterfall: Waterfall) -> tuple[Pair, ...]:
    """Every (from, to) where each rank of from is below each rank of to, in definition order of from, then of to.

    A pair that is a headline carries its target; whether it is one, `waterfall.headline` says.
    """
    targets = {(pair.from_key, pair.to_key): pair.target for pair in waterfall.headline}
    known = marks(waterfall.stages, waterfall.groups)
    return tuple(
        Pair(low.key, high.key, targets.get((low.key, high.key)))
        for low in known
        for high in known
        if low.high_rank < high.low_rank
    )


def why_not_a_pair(low: Mark, high: Mark) -> str | None:
    """What keeps (low, high) from being a pair, or None."""
    if low.key == high.key:
        return f"a pair needs two different stages or groups, not `{low.key}` twice"
    if low.high_rank < high.low_rank:
        return None
    if high.high_rank < low.low_rank:
        return f'a pair goes upward, from the earlier stage to the later one; write ["{high.key}", "{low.key}"]'
    return (
        f"`{low.key}` → `{high.key}` is no pair: every rank of `{low.key}` ({_ranks(low)}) "
        f"must be below every rank of `{high.key}` ({_ranks(high)})"
    )


def _ranks(mark: Mark) -> str:
    return f"rank {mark.low_rank}" if mark.low_rank == mark.high_rank else f"ranks {mark.low_rank} to {mark.high_rank}"
