"""Values for the page templates, in the order of their sections."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pipeline.report import links, text, units
from pipeline.report.accounts.page import Accounts
from pipeline.report.actions.actions import Actions, actions
from pipeline.report.changes.changes import Changes
from pipeline.report.conversion.cohorts import Conversion
from pipeline.report.conversion.routes import Routes
from pipeline.report.definitions.page import Definitions
from pipeline.report.figures import Figures
from pipeline.report.flow.funnel import funnel, stops_source
from pipeline.report.flow.page import Volumes
from pipeline.report.headline import card as headline
from pipeline.report.headline.by_value import index_charts
from pipeline.report.headline.key_rates import KeyRate, sentence
from pipeline.report.layout.table import BarChart, FootnoteBuilder, Notice, Source, Table
from pipeline.report.overview import variant
from pipeline.report.overview.stage_summary import stage_summary
from pipeline.report.owners.sla import SlaSection
from pipeline.report.quality import history_coverage
from pipeline.report.quality.page import Quality
from pipeline.report.quality.rows import NewestDelivery
from pipeline.report.rows import Overview
from pipeline.report.stage.time import OpenLeads

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
    headline: tuple[headline.Card, ...]
    changes: Changes
    summary: Table
    grid: Table
    times: BarChart


@dataclass(frozen=True)
class ConversionPage:
    """Every pair by month."""

    conversion: Conversion
    routes: Routes
    implied: Table | None


@dataclass(frozen=True)
class VolumePage:
    """Arrivals and balances of all stages."""

    waterfall: BarChart
    volumes: Volumes


@dataclass(frozen=True)
class AccountsPage:
    """Leads and accounts."""

    accounts: Accounts


@dataclass(frozen=True)
class OwnersPage:
    """SLA results and open leads by owner."""

    sla: SlaSection
    open_leads: OpenLeads


@dataclass(frozen=True)
class QualityPage:
    """Data quality and row accounting."""

    quality: Quality
    routes: Routes


@dataclass(frozen=True)
class DefinitionsPage:
    """Definitions of terms."""

    definitions: Definitions


def index_page(
    figures: Figures,
    footnotes: FootnoteBuilder,
    notes: tuple[str, ...],
    stale: tuple[str, ...],
    cards: tuple[headline.Card, ...],
    rates: tuple[KeyRate, ...],
    changed: Changes,
    grid: Table,
    times: BarChart,
) -> IndexPage:
    """Return the index page. It counts the `notes` of the run and names the `stale` inputs first."""
    total = figures.overview.rows[0]
    return IndexPage(
        sentence=sentence(figures.headline_changes.rows, footnotes),
        basis=(
            f"Unless a figure says otherwise, the unit is the {total.unit}: {units.MEANINGS[total.unit]}. A rate counts the units "
            "that arrived at the first stage of the pair in the months named. These months are final: even their youngest unit "
            "has had the days of the window."
        ),
        stats=_stats(total),
        warnings=_warnings(figures, total, stale),
        notices=_notices(figures, total, notes),
        key_rates=rates,
        actions=actions(figures, footnotes),
        funnel=funnel(figures, footnotes),
        funnel_source=stops_source(figures, footnotes),
        values=index_charts(figures, footnotes),
        headline=cards,
        changes=changed,
        summary=stage_summary(figures, footnotes),
        grid=grid,
        times=times,
    )


def _stats(total: Overview) -> tuple[Stat, ...]:
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


def _rejected(newest: NewestDelivery, figures: Figures) -> str:
    """Return the rejected rows of the newest delivery in words.

    Rows that a new alias accepted since then are not counted.
    """
    unknown = newest.unknown_stage
    because = f", {text.count(unknown)} of them for a stage that no alias names" if unknown else ""
    counts = f"{text.count(newest.rejected)} of {text.plural(newest.rows_read, 'row')}"
    verb = "is" if newest.rejected == 1 else "are"
    return f"{_of_all(figures)}{newest.input}: {counts} of the newest delivery {verb} rejected{because}."


def _empty_report(figures: Figures) -> str:
    if figures.report.is_all:
        return "No stage entry has been delivered yet, so there is nothing to count."
    return f"No lead has {variant.filter_text(figures.report)}, so there is nothing to count."


def open_month(figures: Figures) -> date | None:
    """Return the first day of the month that contains as-of; None if as-of is its last second."""
    return next((row.month_start for row in figures.flow.balance.rows if row.is_partial), None)


def _warnings(figures: Figures, total: Overview, stale: tuple[str, ...]) -> tuple[Notice, ...]:
    warnings = [Notice("warn", f"{each}. Newer numbers are not in here.") for each in stale]
    if total.entries == 0:
        warnings.append(Notice("warn", _empty_report(figures)))
    if total.unit == "account" and total.leads and not total.accounts:
        warnings.append(Notice("warn", "The unit is the account, and no lead names one: the headline counts nothing."))
    warnings += [
        Notice("warn", _rejected(newest, figures))
        for newest in figures.quality.deliveries.rows
        if newest.rejected > MAX_QUIET_REJECTED * newest.rows_read
    ]
    return tuple(warnings)


def _notices(figures: Figures, total: Overview, notes: tuple[str, ...]) -> tuple[Notice, ...]:
    notices = []
    if open_month(figures) and total.entries:
        notices.append(
            Notice(
                "info",
                f"{text.month(open_month(figures))} is not over: its numbers will still grow, and wherever it stands it is "
                f"marked{text.PARTIAL_SUFFIX}, on the axis of a chart {text.PARTIAL_SIGN}.",
            )
        )
    notices += [
        Notice("warn", _rejected(newest, figures))
        for newest in figures.quality.deliveries.rows
        if 0 < newest.rejected <= MAX_QUIET_REJECTED * newest.rows_read
    ]
    notices += history_coverage.notices(figures)
    if total.not_yet:
        rows = text.plural(total.not_yet, "row is", "rows are")
        notices.append(Notice("info", f"{_of_all(figures)}{rows} dated after as-of and not counted yet."))
    if notes:
        notices.append(Notice("warn", f"The run left {text.plural(len(notes), 'note')}."))
    return tuple(notices)


def _of_all(figures: Figures) -> str:
    return "" if figures.report.is_all else "Of all leads: "
