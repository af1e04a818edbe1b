"""Figures to a site: which pages there are, what each holds, and the navigation that all of them share."""

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
from pipeline.report.figures import Figures
from pipeline.report.flow import page as volumes
from pipeline.report.headline import card
from pipeline.report.layout.table import FootnoteBuilder
from pipeline.report.overview import page as pages
from pipeline.report.overview import stage_summary, variant
from pipeline.report.owners import sla
from pipeline.report.pair.page import pair_pages
from pipeline.report.quality import history_coverage
from pipeline.report.quality import page as quality_page
from pipeline.report.stage import time
from pipeline.report.stage.page import stage_pages


@dataclass(frozen=True)
class Link:
    """One entry of the navigation."""

    file: str
    label: str


@dataclass(frozen=True)
class ReportLink:
    """Another report: `folder` leads to its folder from this one's, where a page of the same name shows the same."""

    title: str
    folder: str
    is_shown: bool


@dataclass(frozen=True)
class LinkGroup:
    """Entries under one word; `name` is empty for the pages of which there is one."""

    name: str
    links: tuple[Link, ...]


@dataclass(frozen=True)
class Frame:
    """What stands around every page of a report."""

    title: str
    as_of: str
    unit: str
    """What the headline counts, and its plural; `out` says why one can no longer convert."""
    units: str
    end_reason: str
    open_month_note: str
    """What the sign behind a month on an axis means; empty when as-of ends a month."""
    coverage_note: str
    """What the sign behind a month means that begins before the history is complete; empty while none looks cut."""
    groups: tuple[LinkGroup, ...]
    report_filter: str
    """What a report of one value counts and what it lacks; empty in that of all leads."""
    reports: tuple[ReportLink, ...]
    """Every report of the night; empty when there is but one."""


@dataclass(frozen=True)
class Sheet:
    """One page: its file, the template under templates/pages, its heading, and what the template gets as `page`."""

    file: str
    template: str
    heading: str
    page: Any


@dataclass(frozen=True)
class Site:
    """A report: the frame and its pages, the first of which is the index."""

    frame: Frame
    sheets: tuple[Sheet, ...]


def build_site(
    figures: Figures,
    notes: tuple[str, ...],
    tables: tuple[ReportTable, ...] = (),
    earlier: tuple[EarlierRun, ...] = (),
    stale: tuple[str, ...] = (),
) -> Site:
    """Every page of one report. `notes` are warnings of the run, for the data-quality page; `tables` lie beside the pages
    as files, and `earlier` nights in the archive. `stale` inputs are named on top of the first page.
    """
    total = figures.overview.rows[0]
    as_of = f"{text.moment(total.as_of_local)} {total.timezone}"
    open_month = pages.open_month(figures)
    frame = Frame(
        title=title(figures),
        as_of=as_of,
        unit=total.unit,
        units=units.plural(total.unit),
        end_reason=units.END_REASONS[total.unit],
        open_month_note=f"{text.PARTIAL_SIGN} {text.period(open_month, True)}: the month is not over"
        if open_month
        else "",
        coverage_note=history_coverage.sign_meaning(figures),
        groups=_groups(figures),
        report_filter=variant.sentence(figures.shown),
        reports=_reports(figures),
    )
    files = Sheet(links.DATA, "data.html", "Data files", files_page.files_page(tables))
    archive = Sheet(links.ARCHIVE, "archive.html", "Archive", archive_page.archive_page(earlier))
    return Site(
        frame, (*_sheets(figures, notes, stale, FootnoteBuilder(as_of, figures.before_coverage)), files, archive)
    )


def _sheets(
    figures: Figures, notes: tuple[str, ...], stale: tuple[str, ...], footnotes: FootnoteBuilder
) -> Iterator[Sheet]:
    cards = card.cards(figures, footnotes)
    changed = changes.changes(figures, footnotes)
    by_cohort = cohorts.conversion(figures, footnotes)
    flow = volumes.volumes(figures, footnotes)
    times = time.times(figures, footnotes)
    sla_section = sla.sla_section(figures, footnotes)
    route_tables = routes.routes(figures, footnotes)
    index = pages.index_page(
        figures,
        notes,
        stale,
        cards,
        stage_summary.stage_summary(figures, footnotes),
        changed,
        by_cohort.grid,
        volumes.waterfall(figures, footnotes),
        times,
    )
    yield Sheet(links.INDEX, "index.html", title(figures), index)
    for pair in pair_pages(figures, cards, by_cohort.pairs, changed.pairs, footnotes):
        yield Sheet(links.pair_page(pair.from_stage, pair.to_stage), "pair.html", pair.card.title, pair)
    yield Sheet(
        links.CONVERSION,
        "conversion.html",
        "Conversion by cohort",
        pages.ConversionPage(by_cohort, route_tables, implied.implied(figures, footnotes)),
    )
    yield Sheet(links.VOLUMES, "volumes.html", "Volumes that balance", pages.VolumePage(flow))
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
    definitions = pages.DefinitionsPage(quality_page.definitions(figures, footnotes))
    yield Sheet(links.DEFINITIONS, "definitions.html", "Definitions", definitions)


def title(figures: Figures) -> str:
    """The name of the funnel, and of a report of one value its title behind it."""
    name = text.isolated(figures.overview.rows[0].name)
    return name if figures.shown.is_all else f"{name} · {text.isolated(figures.shown.title)}"


def _reports(figures: Figures) -> tuple[ReportLink, ...]:
    if len(figures.reports) == 1:
        return ()
    root = "" if figures.shown.is_all else "../"
    return tuple(
        ReportLink(
            text.isolated(each.title),
            "" if each == figures.shown else root if each.is_all else f"{root}{each.report}/",
            each == figures.shown,
        )
        for each in figures.reports
    )


def _groups(figures: Figures) -> tuple[LinkGroup, ...]:
    """The navigation: the single pages, then pairs and stages by name."""
    pairs = tuple(
        Link(links.pair_page(row.from_stage, row.to_stage), f"{row.from_label} → {row.to_label}")
        for row in figures.headline.rows
        if row.window_days is None
    )
    stages = tuple(Link(links.stage_page(row.stage), row.label) for row in figures.stages.rows)
    return (
        LinkGroup(
            "",
            (
                Link(links.INDEX, "Overview"),
                Link(links.CONVERSION, "Conversion"),
                Link(links.VOLUMES, "Volumes"),
                Link(links.ACCOUNTS, "Accounts"),
                Link(links.OWNERS, "Owners"),
                Link(links.QUALITY, "Data quality"),
                Link(links.DEFINITIONS, "Definitions"),
                Link(links.DATA, "Data files"),
                Link(links.ARCHIVE, "Archive"),
            ),
        ),
        *((LinkGroup("Pairs", pairs),) if pairs else ()),
        LinkGroup("Stages", stages),
    )
