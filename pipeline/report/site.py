"""Build the pages of a report and their navigation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.report import answers, links, text, units
from pipeline.report.accounts.page import accounts_page
from pipeline.report.archive.archive import EarlierRun
from pipeline.report.archive.page import archive_page
from pipeline.report.conversion.page import conversion_page
from pipeline.report.data.page import files_page
from pipeline.report.data.tables import ReportTable
from pipeline.report.definitions.page import definitions_page
from pipeline.report.flow.page import volume_page
from pipeline.report.headline.outcomes import pair_title
from pipeline.report.overview import variant
from pipeline.report.overview.notices import open_month
from pipeline.report.overview.page import index_page
from pipeline.report.owners.overdue import overdue_page
from pipeline.report.owners.page import owners_page
from pipeline.report.pair.page import pair_page
from pipeline.report.quality import history_coverage
from pipeline.report.quality.page import quality_page
from pipeline.report.query import Report, read_reports
from pipeline.report.stage.page import stage_page

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
    """One page: its file, its template in templates/pages, its heading and the values that the template prints (`page`)."""

    file: str
    template: str
    heading: str
    page: dict[str, Any]


@dataclass(frozen=True)
class Site:
    """A report: the frame and its pages. The first page is the index."""

    frame: Frame
    sheets: tuple[Sheet, ...]


def build_site(
    report: Report,
    notes: tuple[str, ...],
    tables: tuple[ReportTable, ...] = (),
    earlier: tuple[EarlierRun, ...] = (),
    stale: tuple[str, ...] = (),
) -> Site:
    """Return every page of one report.

    `notes` are warnings of the run for the data-quality page. `tables` are listed on the page of data files,
    `earlier` runs on the archive page. The index names the `stale` inputs first.
    """
    total = report.overview
    partial = open_month(report)
    others = _reports(report)
    frame = Frame(
        title=title(report),
        as_of=report.as_of,
        as_of_day=text.day_in_words(total.as_of_local),
        unit=total.unit,
        units=units.plural(total.unit),
        end_reason=units.END_REASONS[total.unit],
        open_month_note=f"{text.PARTIAL_SIGN} {text.period(partial, True)}: the month is not over" if partial else "",
        coverage_note=history_coverage.sign_meaning(report),
        links=_links(report),
        menus=_menus(report),
        report_filter=variant.sentence(report),
        reports=others,
    )
    files = files_page(tables, _root(report), max(len(others), 1))
    return Site(
        frame,
        (
            *_sheets(report, notes, stale),
            Sheet(links.DATA, "data.html", "Data files", files),
            Sheet(links.ARCHIVE, "archive.html", "Archive", archive_page(earlier)),
        ),
    )


def _sheets(report: Report, notes: tuple[str, ...], stale: tuple[str, ...]) -> Iterator[Sheet]:
    yield Sheet(links.INDEX, "index.html", title(report), index_page(report, notes, stale))
    for row in answers.headline_pairs(report):
        yield Sheet(links.pair_page(row.from_stage, row.to_stage), "pair.html", pair_title(row), pair_page(report, row))
    yield Sheet(links.CONVERSION, "conversion.html", "Conversion by cohort", conversion_page(report))
    yield Sheet(links.VOLUMES, "volumes.html", "Volumes that balance", volume_page(report))
    for stage in answers.stages(report):
        yield Sheet(links.stage_page(stage.stage), "stage.html", stage.label, stage_page(report, stage))
    yield Sheet(links.ACCOUNTS, "accounts.html", "Leads and accounts", accounts_page(report))
    yield Sheet(links.OWNERS, "owners.html", "Owners and limits", owners_page(report))
    yield Sheet(links.OVERDUE, "overdue.html", "Overdue leads", overdue_page(report))
    yield Sheet(links.QUALITY, "quality.html", "Data quality", quality_page(report, notes))
    yield Sheet(links.DEFINITIONS, "definitions.html", "Definitions", definitions_page(report))


def title(report: Report) -> str:
    """Return the name of the funnel, followed by the title of the report if it filters one value."""
    name = text.isolated(report.overview.name)
    return name if report.is_all else f"{name} · {text.isolated(report.filter.title)}"


def _reports(report: Report) -> tuple[ReportLink, ...]:
    reports = read_reports(report.connection)
    if len(reports) == 1:
        return ()
    root = _root(report)
    return tuple(
        ReportLink(
            text.isolated(each.title),
            "" if each == report.filter else root if each.is_all else f"{root}{each.report}/",
            each == report.filter,
        )
        for each in reports
    )


def _root(report: Report) -> str:
    """Return the path from the folder of this report to that of the report of all leads."""
    return "" if report.is_all else "../"


def _pair_links(report: Report) -> tuple[Link, ...]:
    return tuple(
        Link(links.pair_page(row.from_stage, row.to_stage), f"{row.from_label} → {row.to_label}")
        for row in answers.headline_pairs(report)
    )


def _links(report: Report) -> tuple[Link, ...]:
    pairs = _pair_links(report)
    return (
        Link(links.INDEX, "Overview"),
        *(pairs if len(pairs) <= MAX_PAIRS_IN_LINE else ()),
        Link(links.ACCOUNTS, "Accounts"),
        Link(links.OWNERS, "Owners"),
        Link(links.DEFINITIONS, "How we count"),
        Link(links.DATA, "Downloads"),
    )


def _menus(report: Report) -> tuple[Menu, ...]:
    pairs = _pair_links(report)
    stages = tuple(Link(links.stage_page(row.stage), row.label) for row in answers.stages(report))
    return (
        *((Menu("Pairs", pairs),) if len(pairs) > MAX_PAIRS_IN_LINE else ()),
        Menu("Stages", stages),
        Menu(
            "More",
            (
                Link(links.CONVERSION, "Conversion by month"),
                Link(links.VOLUMES, "Volumes"),
                Link(links.OVERDUE, "Overdue leads"),
                Link(links.QUALITY, "Data quality"),
                Link(links.ARCHIVE, "Archive"),
            ),
        ),
    )
