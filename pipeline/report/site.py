"""Figures to a site: which pages there are, what each holds, and the navigation that all of them share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.report import (
    accounts,
    conversion,
    headline,
    implied,
    limits,
    links,
    pages,
    quality,
    routes,
    times,
    units,
    volumes,
)
from pipeline.report import format as text
from pipeline.report.figures import Figures
from pipeline.report.pair import pair_pages
from pipeline.report.stage import stage_pages
from pipeline.report.values import Reader


@dataclass(frozen=True)
class Link:
    """One entry of the navigation."""

    file: str
    label: str


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
    out: str
    so_far: str
    """What the sign behind a month on an axis means; empty when as-of ends a month."""
    groups: tuple[LinkGroup, ...]


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


def site(figures: Figures, notes: tuple[str, ...]) -> Site:
    """Every page of one report. `notes` are warnings of the run, for the data-quality page."""
    total = figures.overview.rows[0]
    as_of = f"{text.moment(total.as_of_local)} {total.timezone}"
    open_month = pages.open_month(figures)
    frame = Frame(
        title=text.isolated(total.name),
        as_of=as_of,
        unit=total.unit,
        units=units.many(total.unit),
        out=units.OUT[total.unit],
        so_far=f"{text.SO_FAR_SIGN} {text.period(open_month, True)}: the month is not over" if open_month else "",
        groups=_groups(figures),
    )
    return Site(frame, tuple(_sheets(figures, notes, Reader(as_of))))


def _sheets(figures: Figures, notes: tuple[str, ...], reader: Reader) -> Iterator[Sheet]:
    cards = headline.cards(figures, reader)
    by_cohort = conversion.conversion(figures, reader)
    flow = volumes.volumes(figures, reader)
    lasting = times.times(figures, reader)
    limited = limits.limits(figures, reader)
    ways = routes.routes(figures, reader)
    index = pages.index_page(figures, notes, cards, by_cohort.grid, volumes.waterfall(figures, reader), lasting)
    yield Sheet(links.INDEX, "index.html", text.isolated(figures.overview.rows[0].name), index)
    for pair in pair_pages(figures, cards, by_cohort.pairs, reader):
        yield Sheet(links.pair_page(pair.from_stage, pair.to_stage), "pair.html", pair.card.title, pair)
    yield Sheet(
        links.CONVERSION,
        "conversion.html",
        "Conversion by cohort",
        pages.ConversionPage(by_cohort, ways, implied.implied(figures, reader)),
    )
    yield Sheet(links.VOLUMES, "volumes.html", "Volumes that balance", pages.VolumePage(flow))
    for stage in stage_pages(figures, flow, lasting, limited):
        yield Sheet(links.stage_page(stage.stage), "stage.html", stage.label, stage)
    yield Sheet(
        links.ACCOUNTS, "accounts.html", "Leads and accounts", pages.AccountsPage(accounts.accounts(figures, reader))
    )
    owners = pages.OwnersPage(limited, times.stuck(figures, reader))
    yield Sheet(links.OWNERS, "owners.html", "Owners and limits", owners)
    data = pages.QualityPage(quality.quality(figures, notes, reader), ways)
    yield Sheet(links.QUALITY, "quality.html", "Data quality", data)
    words = pages.DefinitionsPage(quality.definitions(figures, reader))
    yield Sheet(links.DEFINITIONS, "definitions.html", "Definitions", words)


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
            ),
        ),
        *((LinkGroup("Pairs", pairs),) if pairs else ()),
        LinkGroup("Stages", stages),
    )
