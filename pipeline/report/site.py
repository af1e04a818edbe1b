"""Build the pages of a report and their navigation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.report import answers, links, text, units
from pipeline.report.accounts.page import accounts_page
from pipeline.report.actions.skipped import skipped_page
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

Link = tuple[str, str]
"""The file of a page, and its name in the navigation."""
MAX_PAIRS_IN_LINE = 4
"""Headline pairs that the navigation shows by name; more are in a menu."""
LINKS: tuple[Link, ...] = (
    (links.ACCOUNTS, "Accounts"),
    (links.OWNERS, "Owners"),
    (links.DEFINITIONS, "How we count"),
    (links.DATA, "Downloads"),
)
MORE_LINKS: tuple[Link, ...] = (
    (links.CONVERSION, "Conversion by month"),
    (links.VOLUMES, "Volumes"),
    (links.OVERDUE, "Overdue leads"),
    (links.SKIPPED, "Skipped stages"),
    (links.QUALITY, "Data quality"),
    (links.ARCHIVE, "Archive"),
)


@dataclass(frozen=True)
class Sheet:
    """One page: its file, its template in templates/pages, its heading and the values that the template prints (`page`)."""

    file: str
    template: str
    heading: str
    page: dict[str, Any]


@dataclass(frozen=True)
class Site:
    """A report: its pages, and what every page repeats (`frame`). The first page is the index."""

    frame: dict[str, Any]
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
    reports = _reports(report)
    files = files_page(tables, _root(report), max(len(reports), 1))
    return Site(
        _frame(report) | {"reports": reports},
        (
            *_sheets(report, notes, stale),
            Sheet(links.DATA, "data.html", "Data files", files),
            Sheet(links.ARCHIVE, "archive.html", "Archive", archive_page(earlier)),
        ),
    )


def _frame(report: Report) -> dict[str, Any]:
    """Return what every page repeats: the navigation, and notes that are empty where they do not apply."""
    total, partial, pairs = report.overview, open_month(report), _pair_links(report)
    has_short_line = len(pairs) <= MAX_PAIRS_IN_LINE
    stages = tuple((links.stage_page(row.stage), row.label) for row in answers.stages(report))
    return {
        "title": title(report),
        "as_of": report.as_of,
        "as_of_day": text.day_in_words(total.as_of_local),
        "unit": total.unit,
        "units": units.plural(total.unit),
        "end_reason": units.END_REASONS[total.unit],
        "open_month_note": f"{text.PARTIAL_SIGN} {text.period(partial, True)}: the month is not over"
        if partial
        else "",
        "coverage_note": history_coverage.sign_meaning(report),
        "report_filter": variant.sentence(report),
        "links": ((links.INDEX, "Overview"), *(pairs if has_short_line else ()), *LINKS),
        "menus": (*(() if has_short_line else (("Pairs", pairs),)), ("Stages", stages), ("More", MORE_LINKS)),
    }


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
    yield Sheet(links.OVERDUE, "lead_list.html", "Overdue leads", overdue_page(report))
    yield Sheet(links.SKIPPED, "lead_list.html", "Skipped stages", skipped_page(report))
    yield Sheet(links.QUALITY, "quality.html", "Data quality", quality_page(report, notes))
    yield Sheet(links.DEFINITIONS, "definitions.html", "Definitions", definitions_page(report))


def title(report: Report) -> str:
    """Return the name of the funnel, followed by the title of the report if it filters one value."""
    name = text.isolated(report.overview.name)
    return name if report.is_all else f"{name} · {text.isolated(report.filter.title)}"


def _reports(report: Report) -> tuple[dict[str, Any], ...]:
    """Return every report of the run, with the relative path to its folder; nothing if there is only one."""
    reports = read_reports(report.connection)
    if len(reports) == 1:
        return ()
    root = _root(report)
    return tuple(
        {
            "title": text.isolated(each.title),
            "folder": "" if each == report.filter else root if each.is_all else f"{root}{each.report}/",
            "is_shown": each == report.filter,
        }
        for each in reports
    )


def _root(report: Report) -> str:
    """Return the path from the folder of this report to that of the report of all leads."""
    return "" if report.is_all else "../"


def _pair_links(report: Report) -> tuple[Link, ...]:
    return tuple(
        (links.pair_page(row.from_stage, row.to_stage), f"{row.from_label} → {row.to_label}")
        for row in answers.headline_pairs(report)
    )
