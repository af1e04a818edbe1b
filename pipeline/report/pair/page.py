"""The page of one headline pair."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.report.changes.changes import PairChange
from pipeline.report.conversion import estimate
from pipeline.report.conversion.cohorts import PairSection
from pipeline.report.figures import Figures
from pipeline.report.headline import by_value
from pipeline.report.headline.card import Card
from pipeline.report.headline.key_rates import KeyRate
from pipeline.report.layout.columns import ColumnChart
from pipeline.report.layout.table import BarChart, Details, FootnoteBuilder, Table
from pipeline.report.pair.ages import HeatMap, heat_map
from pipeline.report.pair.figures import PairFigures
from pipeline.report.pair.mix import mixes
from pipeline.report.pair.months import arrivals, losses
from pipeline.report.quality.rows import ExpectedRateRecord
from pipeline.report.rows import Headline


@dataclass(frozen=True)
class PairPage:
    """One headline pair."""

    from_stage: str
    to_stage: str
    card: Card
    key_rate: KeyRate
    values: tuple[BarChart, ...]
    changes: PairChange
    has_expected_rates: bool
    """Whether a month of the trend has an expected final rate."""
    record_sentence: str
    """How past estimates compare with the outcome."""
    months: Table
    ages: HeatMap
    losses: ColumnChart
    arrivals: ColumnChart
    mixes: tuple[ColumnChart, ...]
    slices: tuple[Details, ...]


def pair_pages(
    figures: Figures,
    cards: tuple[Card, ...],
    rates: tuple[KeyRate, ...],
    sections: tuple[PairSection, ...],
    changed: tuple[PairChange, ...],
    footnotes: FootnoteBuilder,
) -> tuple[PairPage, ...]:
    """Return one page per card, in the order of the configuration."""
    by_pair = {(section.from_stage, section.to_stage): section for section in sections}
    figures_of = {(each.pair.from_stage, each.pair.to_stage): each for each in figures.pairs}
    changes = {(each.from_stage, each.to_stage): each for each in changed}
    rows = [row for row in figures.headline.rows if row.window_days is None]
    sources = {row.dimension: row.source for row in figures.quality.coverage.rows}
    return tuple(
        _page(
            card,
            rate,
            by_value.pair_charts(row.headline_no, figures, footnotes),
            row,
            record,
            by_pair[card.from_stage, card.to_stage],
            changes[card.from_stage, card.to_stage],
            figures_of[card.from_stage, card.to_stage],
            sources,
            footnotes,
        )
        for card, rate, row, record in zip(cards, rates, rows, figures.quality.expected_rate_record.rows, strict=True)
    )


def _page(
    card: Card,
    rate: KeyRate,
    values: tuple[BarChart, ...],
    row: Headline,
    record: ExpectedRateRecord,
    section: PairSection,
    changes: PairChange,
    figures: PairFigures,
    sources: dict[str, str],
    footnotes: FootnoteBuilder,
) -> PairPage:
    assert figures.headline is not None
    assert figures.gap is not None
    headline = figures.headline
    return PairPage(
        card.from_stage,
        card.to_stage,
        card,
        rate,
        values,
        changes=changes,
        has_expected_rates=any(cohort.settled_estimate is not None for cohort in figures.cohorts.rows),
        record_sentence=estimate.sentence((record,)),
        months=section.months.table,
        ages=heat_map(figures.pair, headline.ages, footnotes),
        losses=losses(row, figures.gap.rows, headline.outcomes, headline.ages.rows, footnotes),
        arrivals=arrivals(row, headline.arrivals, footnotes),
        mixes=mixes(figures.pair, headline.mixes, sources, footnotes),
        slices=section.slices,
    )
