"""Milestones and pairs: a milestone is a path stage or a group; conversion is measured between a pair of milestones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.waterfall.definition import Group, Pair, Stage, Waterfall


@dataclass(frozen=True)
class Milestone:
    """A path stage or a group, with its lowest and highest rank. A stage has one rank and itself as its only member."""

    key: str
    label: str
    low_rank: int
    high_rank: int
    members: tuple[str, ...]
    is_group: bool


def milestones(stages: Sequence[Stage], groups: Sequence[Group]) -> tuple[Milestone, ...]:
    """Return every path stage in definition order, then every group."""
    ranks = {stage.key: stage.rank for stage in stages if stage.rank is not None}
    singles = [
        Milestone(stage.key, stage.label, stage.rank, stage.rank, (stage.key,), is_group=False)
        for stage in stages
        if stage.rank is not None
    ]
    sets = [
        Milestone(
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
    """Return every pair where each rank of `from` is below each rank of `to`, in definition order.

    A headline pair has its target. `waterfall.headline` lists the headline pairs.
    """
    targets = {(pair.from_key, pair.to_key): pair.target for pair in waterfall.headline}
    known = milestones(waterfall.stages, waterfall.groups)
    return tuple(
        Pair(low.key, high.key, targets.get((low.key, high.key)))
        for low in known
        for high in known
        if low.high_rank < high.low_rank
    )


def why_not_a_pair(low: Milestone, high: Milestone) -> str | None:
    """Return why (low, high) is not a pair, or None."""
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


def _ranks(milestone: Milestone) -> str:
    return (
        f"rank {milestone.low_rank}"
        if milestone.low_rank == milestone.high_rank
        else f"ranks {milestone.low_rank} to {milestone.high_rank}"
    )
