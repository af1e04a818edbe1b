"""The index page: one sentence, the headline rates, actions, the funnel, and everything else folded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pipeline.report import answers, links, text, units
from pipeline.report.actions.actions import Actions, actions
from pipeline.report.changes.changes import Changes, changes
from pipeline.report.conversion import cohorts
from pipeline.report.flow.funnel import funnel, stops_source
from pipeline.report.headline.by_value import index_charts
from pipeline.report.headline.card import Card, cards
from pipeline.report.headline.key_rates import KeyRate, key_rates, sentence
from pipeline.report.layout.table import BarChart, Notice, Table
from pipeline.report.overview import variant
from pipeline.report.overview.stage_summary import stage_summary
from pipeline.report.quality import history_coverage
from pipeline.report.query import Answer, Report, Row, Source
from pipeline.report.stage.time import times

MAX_QUIET_REJECTED = 0.02
"""Share of rejected rows of a delivery above which the index warns above the rates."""


@dataclass(frozen=True)
class Stat:
    """A number at the top of the index page, and the page that explains it."""

    value: str
    label: str
    link: str


@dataclass(frozen=True)
class IndexPage:
    """The index page: the whole waterfall on one page."""

    sentence: str
    basis: str
    stats: tuple[Stat, ...]
    warnings: tuple[Notice, ...]
    """Messages that change how the rates are read; they stand above them."""
    notices: tuple[Notice, ...]
    """All other messages."""
    key_rates: tuple[KeyRate, ...]
    actions: Actions
    funnel: BarChart
    funnel_source: Source
    values: tuple[BarChart, ...]
    headline: tuple[Card, ...]
    changes: Changes
    summary: Table
    grid: Table
    times: BarChart


def index_page(report: Report, notes: tuple[str, ...], stale: tuple[str, ...]) -> IndexPage:
    """Return the index page. It counts the `notes` of the run and names the `stale` inputs first."""
    total = report.overview
    return IndexPage(
        sentence=sentence(answers.headline_changes(report).rows, report),
        basis=(
            f"Unless a figure says otherwise, the unit is the {total.unit}: {units.MEANINGS[total.unit]}. A rate counts the units "
            "that arrived at the first stage of the pair in the months named. These months are final: even their youngest unit "
            "has had the days of the window."
        ),
        stats=_stats(total),
        warnings=_warnings(report, stale),
        notices=_notices(report, notes),
        key_rates=key_rates(report),
        actions=actions(report),
        funnel=funnel(report),
        funnel_source=stops_source(report),
        values=index_charts(report),
        headline=cards(report),
        changes=changes(report),
        summary=stage_summary(report),
        grid=cohorts.grid(report),
        times=times(report),
    )


def _stats(total: Row) -> tuple[Stat, ...]:
    return (
        Stat(text.count(total.leads), "leads with history", links.VOLUMES),
        Stat(
            text.count(total.entries),
            f"stage entries since {text.month(total.first_date)}" if total.entries else "stage entries",
            links.QUALITY,
        ),
        Stat(text.count(total.cycles), f"cycles, {text.count(total.open_cycles)} open", links.VOLUMES),
        Stat(text.count(total.accounts), "accounts with leads", links.ACCOUNTS),
        Stat(text.count(total.open_leads), f"leads waiting, {text.count(total.overdue)} overdue", links.OWNERS),
    )


def _deliveries(report: Report) -> Answer:
    return report.rows("quality.newest_deliveries", "rejected", order="input_no")


def _rejected(newest: Row, report: Report) -> str:
    """Return the rejected rows of the newest delivery in words.

    Rows that a new alias accepted since then are not counted.
    """
    unknown = newest.unknown_stage
    because = f", {text.count(unknown)} of them for a stage that no alias names" if unknown else ""
    counts = f"{text.count(newest.rejected)} of {text.plural(newest.rows_read, 'row')}"
    verb = "is" if newest.rejected == 1 else "are"
    return f"{_of_all(report)}{newest.input}: {counts} of the newest delivery {verb} rejected{because}."


def _empty_report(report: Report) -> str:
    if report.is_all:
        return "No stage entry has been delivered yet, so there is nothing to count."
    return f"No lead has {variant.filter_text(report)}, so there is nothing to count."


def open_month(report: Report) -> date | None:
    """Return the first day of the month that contains as-of; None if as-of is its last second."""
    return next((row.month_start for row in answers.lead_balance(report).rows if row.is_partial), None)


def _warnings(report: Report, stale: tuple[str, ...]) -> tuple[Notice, ...]:
    total = report.overview
    warnings = [Notice("warn", f"{each}. Newer numbers are not in here.") for each in stale]
    if total.entries == 0:
        warnings.append(Notice("warn", _empty_report(report)))
    if total.unit == "account" and total.leads and not total.accounts:
        warnings.append(Notice("warn", "The unit is the account, and no lead names one: the headline counts nothing."))
    warnings += [
        Notice("warn", _rejected(newest, report))
        for newest in _deliveries(report).rows
        if newest.rejected > MAX_QUIET_REJECTED * newest.rows_read
    ]
    return tuple(warnings)


def _notices(report: Report, notes: tuple[str, ...]) -> tuple[Notice, ...]:
    total = report.overview
    notices = []
    if open_month(report) and total.entries:
        notices.append(
            Notice(
                "info",
                f"{text.month(open_month(report))} is not over: its numbers will still grow, and wherever it stands it is "
                f"marked{text.PARTIAL_SUFFIX}, on the axis of a chart {text.PARTIAL_SIGN}.",
            )
        )
    notices += [
        Notice("warn", _rejected(newest, report))
        for newest in _deliveries(report).rows
        if 0 < newest.rejected <= MAX_QUIET_REJECTED * newest.rows_read
    ]
    notices += history_coverage.notices(report)
    if total.not_yet:
        rows = text.plural(total.not_yet, "row is", "rows are")
        notices.append(Notice("info", f"{_of_all(report)}{rows} dated after as-of and not counted yet."))
    if notes:
        notices.append(Notice("warn", f"The run left {text.plural(len(notes), 'note')}."))
    return tuple(notices)


def _of_all(report: Report) -> str:
    return "" if report.is_all else "Of all leads: "
