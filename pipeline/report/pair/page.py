"""The page of one headline pair."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.report import answers
from pipeline.report.changes.changes import PairChange, pair_changes
from pipeline.report.conversion import cohorts, estimate
from pipeline.report.headline.by_value import pair_charts
from pipeline.report.headline.card import Card, cards
from pipeline.report.headline.key_rates import KeyRate, key_rates
from pipeline.report.layout.columns import ColumnChart
from pipeline.report.layout.table import BarChart, Details, Table
from pipeline.report.pair.ages import HeatMap, cohort_ages, heat_map
from pipeline.report.pair.mix import mixes
from pipeline.report.pair.months import arrivals, losses
from pipeline.report.query import Report, Row


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


def pair_pages(report: Report) -> tuple[PairPage, ...]:
    """Return one page per headline pair, in the order of the configuration."""
    pairs = {pair.headline_no: pair for pair in answers.pairs(report)}
    cards_of = {(card.from_stage, card.to_stage): card for card in cards(report)}
    rates_of = {rate.headline_no: rate for rate in key_rates(report)}
    changes_of = {(change.from_stage, change.to_stage): change for change in pair_changes(report)}
    return tuple(
        _page(
            report,
            row,
            pairs[row.headline_no],
            cards_of[row.from_stage, row.to_stage],
            rates_of[row.headline_no],
            changes_of[row.from_stage, row.to_stage],
        )
        for row in answers.headline_pairs(report)
    )


def _page(report: Report, row: Row, pair: Row, card: Card, rate: KeyRate, change: PairChange) -> PairPage:
    """Return the page of a pair. `row` is the pair in report.headline, `pair` in report.pairs_shown."""
    ages = cohort_ages(report, pair)
    record = tuple(each for each in answers.expected_rate_record(report).rows if each.headline_no == row.headline_no)
    return PairPage(
        row.from_stage,
        row.to_stage,
        card,
        rate,
        pair_charts(report, row),
        changes=change,
        has_expected_rates=any(each.settled_estimate is not None for each in answers.cohorts(report, pair).rows),
        record_sentence=estimate.sentence(record),
        months=cohorts.months(report, pair).table,
        ages=heat_map(report, pair, ages),
        losses=losses(report, row, ages.rows),
        arrivals=arrivals(report, row),
        mixes=mixes(report, pair),
        slices=cohorts.slices(report, pair),
    )
