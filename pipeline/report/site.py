"""Build the pages of a report and their navigation from its figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.report import links, text, units
from pipeline.report.accounts import page as accounts_page
from pipeline.report.archive import page as archive_page
from pipeline.report.archive.archive import EarlierRun
from pipeline.report.changes import changes
from pipeline.report.conversion import cohorts, implied, routes
from pipeline.report.data import page as files_page
from pipeline.report.data.tables import ReportTable
from pipeline.report.definitions import page as definitions_page
from pipeline.report.figures import Figures
from pipeline.report.flow import page as volumes
from pipeline.report.headline import card, key_rates
from pipeline.report.layout.table import FootnoteBuilder
from pipeline.report.overview import page as pages
from pipeline.report.overview import variant
from pipeline.report.owners import sla
from pipeline.report.pair.page import pair_pages
from pipeline.report.quality import history_coverage
from pipeline.report.quality import page as quality_page
from pipeline.report.stage import time
from pipeline.report.stage.page import stage_pages

MAX_PAIRS_IN_LINE = 4
"""Headline pairs that the navigation shows by name; more are in a menu."""


@dataclass(frozen=True)
class Link:
    """A link in the navigation."""

    file: str
    label: str


@dataclass(frozen=True)
class ReportLink:
    """A link to another report of the run.

    `folder` is the relative path to its folder, which has a page of the same name.
    """

    title: str
    folder: str
    is_shown: bool


@dataclass(frozen=True)
class Menu:
    """Links that the navigation shows below one word, because there are many."""

    label: str
    links: tuple[Link, ...]


@dataclass(frozen=True)
class Frame:
    """Content that every page of a report repeats."""

    title: str
    as_of: str
    as_of_day: str
    unit: str
    """The unit of the headline, its plural, and why a unit can no longer convert."""
    units: str
    end_reason: str
    open_month_note: str
    """Explains the sign of the month that contains as-of. Empty if as-of ends a month."""
    coverage_note: str
    """Explains the sign of months before the history is complete. Empty if there are none."""
    links: tuple[Link, ...]
    """Pages that the navigation shows by name, in order."""
    menus: tuple[Menu, ...]
    report_filter: str
    """What a report of one dimension value counts and omits. Empty for the report of all leads."""
    reports: tuple[ReportLink, ...]
    """Every report of the run. Empty if there is only one."""


@dataclass(frozen=True)
class Sheet:
    """One page: its file, its template in templates/pages, its heading and its content (`page`)."""

    file: str
    template: str
    heading: str
    page: Any


@dataclass(frozen=True)
class Site:
    """A report: the frame and its pages. The first page is the index."""

    frame: Frame
    sheets: tuple[Sheet, ...]


def build_site(
    figures: Figures,
    notes: tuple[str, ...],
    tables: tuple[ReportTable, ...] = (),
    earlier: tuple[EarlierRun, ...] = (),
    stale: tuple[str, ...] = (),
) -> Site:
    """Return every page of one report.

    `notes` are warnings of the run for the data-quality page. `tables` are listed on the page of data files,
    `earlier` runs on the archive page. The index names the `stale` inputs first.
    """
    total = figures.overview.rows[0]
    as_of = f"{text.moment(total.as_of_local)} {total.timezone}"
    open_month = pages.open_month(figures)
    frame = Frame(
        title=title(figures),
        as_of=as_of,
        as_of_day=text.day_in_words(total.as_of_local),
        unit=total.unit,
        units=units.plural(total.unit),
        end_reason=units.END_REASONS[total.unit],
        open_month_note=f"{text.PARTIAL_SIGN} {text.period(open_month, True)}: the month is not over"
        if open_month
        else "",
        coverage_note=history_coverage.sign_meaning(figures),
        links=_links(figures),
        menus=_menus(figures),
        report_filter=variant.sentence(figures.report),
        reports=_reports(figures),
    )
    files = Sheet(
        links.DATA, "data.html", "Data files", files_page.files_page(tables, _root(figures), len(figures.reports))
    )
    archive = Sheet(links.ARCHIVE, "archive.html", "Archive", archive_page.archive_page(earlier))
    return Site(
        frame, (*_sheets(figures, notes, stale, FootnoteBuilder(as_of, figures.before_coverage)), files, archive)
    )


def _sheets(
    figures: Figures, notes: tuple[str, ...], stale: tuple[str, ...], footnotes: FootnoteBuilder
) -> Iterator[Sheet]:
    cards = card.cards(figures, footnotes)
    rates = key_rates.key_rates(figures, footnotes)
    changed = changes.changes(figures, footnotes)
    by_cohort = cohorts.conversion(figures, footnotes)
    flow = volumes.volumes(figures, footnotes)
    times = time.times(figures, footnotes)
    sla_section = sla.sla_section(figures, footnotes)
    route_tables = routes.routes(figures, footnotes)
    index = pages.index_page(
        figures,
        footnotes,
        notes,
        stale,
        cards,
        rates,
        changed,
        by_cohort.grid,
        times,
    )
    yield Sheet(links.INDEX, "index.html", title(figures), index)
    for pair in pair_pages(figures, cards, rates, by_cohort.pairs, changed.pairs, footnotes):
        yield Sheet(links.pair_page(pair.from_stage, pair.to_stage), "pair.html", pair.card.title, pair)
    yield Sheet(
        links.CONVERSION,
        "conversion.html",
        "Conversion by cohort",
        pages.ConversionPage(by_cohort, route_tables, implied.implied(figures, footnotes)),
    )
    yield Sheet(
        links.VOLUMES,
        "volumes.html",
        "Volumes that balance",
        pages.VolumePage(volumes.waterfall(figures, footnotes), flow),
    )
    for stage in stage_pages(figures, flow, times, sla_section, footnotes):
        yield Sheet(links.stage_page(stage.stage), "stage.html", stage.label, stage)
    yield Sheet(
        links.ACCOUNTS,
        "accounts.html",
        "Leads and accounts",
        pages.AccountsPage(accounts_page.accounts(figures, footnotes)),
    )
    owners = pages.OwnersPage(sla_section, time.open_leads(figures, footnotes))
    yield Sheet(links.OWNERS, "owners.html", "Owners and limits", owners)
    data = pages.QualityPage(quality_page.quality(figures, notes, footnotes), route_tables)
    yield Sheet(links.QUALITY, "quality.html", "Data quality", data)
    definitions = pages.DefinitionsPage(definitions_page.definitions(figures, footnotes))
    yield Sheet(links.DEFINITIONS, "definitions.html", "Definitions", definitions)


def title(figures: Figures) -> str:
    """Return the name of the funnel, followed by the title of the report if it filters one value."""
    name = text.isolated(figures.overview.rows[0].name)
    return name if figures.report.is_all else f"{name} · {text.isolated(figures.report.title)}"


def _reports(figures: Figures) -> tuple[ReportLink, ...]:
    if len(figures.reports) == 1:
        return ()
    root = _root(figures)
    return tuple(
        ReportLink(
            text.isolated(each.title),
            "" if each == figures.report else root if each.is_all else f"{root}{each.report}/",
            each == figures.report,
        )
        for each in figures.reports
    )


def _root(figures: Figures) -> str:
    """Return the path from the folder of this report to that of the report of all leads."""
    return "" if figures.report.is_all else "../"


def _pair_links(figures: Figures) -> tuple[Link, ...]:
    return tuple(
        Link(links.pair_page(row.from_stage, row.to_stage), f"{row.from_label} → {row.to_label}")
        for row in figures.headline.rows
        if row.window_days is None
    )


def _links(figures: Figures) -> tuple[Link, ...]:
    pairs = _pair_links(figures)
    return (
        Link(links.INDEX, "Overview"),
        *(pairs if len(pairs) <= MAX_PAIRS_IN_LINE else ()),
        Link(links.ACCOUNTS, "Accounts"),
        Link(links.OWNERS, "Owners"),
        Link(links.DEFINITIONS, "How we count"),
        Link(links.DATA, "Downloads"),
    )


def _menus(figures: Figures) -> tuple[Menu, ...]:
    pairs = _pair_links(figures)
    stages = tuple(Link(links.stage_page(row.stage), row.label) for row in figures.stages.rows)
    return (
        *((Menu("Pairs", pairs),) if len(pairs) > MAX_PAIRS_IN_LINE else ()),
        Menu("Stages", stages),
        Menu(
            "More",
            (
                Link(links.CONVERSION, "Conversion by month"),
                Link(links.VOLUMES, "Volumes"),
                Link(links.QUALITY, "Data quality"),
                Link(links.ARCHIVE, "Archive"),
            ),
        ),
    )
