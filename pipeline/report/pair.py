"""The page of one headline pair: its card, its months in every window, its cuts."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.report.changes import PairChange
from pipeline.report.conversion import PairSection
from pipeline.report.headline import Card
from pipeline.report.values import Fold, Table


@dataclass(frozen=True)
class PairPage:
    """One headline pair."""

    from_stage: str
    to_stage: str
    card: Card
    changes: PairChange
    months: Table
    cuts: tuple[Fold, ...]


def pair_pages(
    cards: tuple[Card, ...], sections: tuple[PairSection, ...], changed: tuple[PairChange, ...]
) -> tuple[PairPage, ...]:
    """A page per card, in the order of the configuration."""
    by_pair = {(section.from_stage, section.to_stage): section for section in sections}
    changes = {(each.from_stage, each.to_stage): each for each in changed}
    return tuple(
        _page(card, by_pair[card.from_stage, card.to_stage], changes[card.from_stage, card.to_stage]) for card in cards
    )


def _page(card: Card, section: PairSection, changes: PairChange) -> PairPage:
    return PairPage(card.from_stage, card.to_stage, card, changes, section.months.table, section.cuts)
