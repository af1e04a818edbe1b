"""Figures to the one page: sections in order, every number already text. Templates add nothing but mark-up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pipeline.report import conversion, headline, quality, units, volumes
from pipeline.report import format as text
from pipeline.report.accounts import Accounts, accounts
from pipeline.report.figures import Figures
from pipeline.report.implied import implied
from pipeline.report.limits import Limits, limits
from pipeline.report.routes import Routes, routes
from pipeline.report.rows import Overview
from pipeline.report.times import Stuck, stuck, times
from pipeline.report.values import Notice, Reader, StripChart, Table


@dataclass(frozen=True)
class Stat:
    """One number of the head, and the section that explains it."""

    value: str
    label: str
    link: str


@dataclass(frozen=True)
class Page:
    """reports/index.html."""

    title: str
    as_of: str
    basis: str
    unit: str
    """What the headline counts, and its plural; `out` says why one can no longer convert."""
    units: str
    out: str
    stats: tuple[Stat, ...]
    notices: tuple[Notice, ...]
    so_far: str
    """What the sign behind a month on an axis means; empty when as-of ends a month."""
    nav: tuple[tuple[str, str], ...]
    headline: tuple[headline.Card, ...]
    waterfall: StripChart
    conversion: conversion.Conversion
    routes: Routes
    implied: Table | None
    times: StripChart
    limits: Limits
    volumes: volumes.Volumes
    accounts: Accounts
    stuck: Stuck
    definitions: quality.Definitions
    quality: quality.Quality


NAV = (
    ("headline", "Headline"),
    ("waterfall", "Waterfall"),
    ("conversion", "Conversion"),
    ("time", "Time in stage"),
    ("limits", "SLA"),
    ("volume", "Volume"),
    ("accounts", "Accounts"),
    ("stuck", "Stuck leads"),
    ("definitions", "Definitions"),
    ("quality", "Data quality"),
)


def index_page(figures: Figures, notes: tuple[str, ...]) -> Page:
    """The whole page. `notes` are warnings of the run, for the data-quality section."""
    total = figures.overview.rows[0]
    as_of = f"{text.moment(total.as_of_local)} {total.timezone}"
    reader = Reader(as_of)
    open_month = _open_month(figures)
    return Page(
        title=text.isolated(total.name),
        as_of=as_of,
        basis=(
            f"Unless a figure says otherwise: the unit is the {total.unit}, {units.MEANS[total.unit]}; rates are of cohorts, "
            "by the month of arrival at the first stage of the pair; and a rate is read only once its cohort is mature, "
            "when none of it is still open."
        ),
        unit=total.unit,
        units=units.many(total.unit),
        out=units.OUT[total.unit],
        stats=_stats(total),
        notices=_notices(figures, total, notes),
        so_far=f"{text.SO_FAR_SIGN} {text.period(open_month, True)}: the month is not over" if open_month else "",
        nav=NAV,
        headline=headline.cards(figures, reader),
        waterfall=volumes.waterfall(figures, reader),
        conversion=conversion.conversion(figures, reader),
        routes=routes(figures, reader),
        implied=implied(figures, reader),
        times=times(figures, reader),
        limits=limits(figures, reader),
        volumes=volumes.volumes(figures, reader),
        accounts=accounts(figures, reader),
        stuck=stuck(figures, reader),
        definitions=quality.definitions(figures, reader),
        quality=quality.quality(figures, notes, reader),
    )


def _stats(total: Overview) -> tuple[Stat, ...]:
    return (
        Stat(text.count(total.leads), "leads with history", "volume"),
        Stat(
            text.count(total.entries),
            f"stage entries since {text.month(total.first_date)}" if total.entries else "stage entries",
            "quality",
        ),
        Stat(text.count(total.cycles), f"cycles, {text.count(total.open_cycles)} open", "waterfall"),
        Stat(text.count(total.accounts), "accounts with leads", "accounts"),
        Stat(text.count(total.open_leads), f"leads waiting, {text.count(total.overdue)} overdue", "stuck"),
    )


def _open_month(figures: Figures) -> date | None:
    """First day of the month in which as-of lies; None when as-of is its last second."""
    return next((row.month_start for row in figures.balance.rows if row.is_partial), None)


def _notices(figures: Figures, total: Overview, notes: tuple[str, ...]) -> tuple[Notice, ...]:
    notices = []
    if total.entries == 0:
        notices.append(Notice("warn", "No stage entry has been delivered yet, so there is nothing to count."))
    if total.unit == "account" and total.leads and not total.accounts:
        notices.append(Notice("warn", "The unit is the account, and no lead names one: the headline counts nothing."))
    if _open_month(figures) and total.entries:
        notices.append(
            Notice(
                "info",
                f"{text.month(_open_month(figures))} is not over: its numbers will still grow, and wherever it stands it is "
                f"marked{text.SO_FAR}, on the axis of a chart {text.SO_FAR_SIGN}.",
            )
        )
    if total.rejected:
        unknown = (
            f", {text.count(total.unknown_stage)} of them for a stage that no alias names"
            if total.unknown_stage
            else ""
        )
        notices.append(Notice("warn", f"{text.plural(total.rejected, 'row was', 'rows were')} rejected{unknown}."))
    if total.not_yet:
        notices.append(
            Notice("info", f"{text.plural(total.not_yet, 'row is', 'rows are')} dated after as-of and not counted yet.")
        )
    if notes:
        notices.append(Notice("warn", f"The run left {text.plural(len(notes), 'note')}."))
    return tuple(notices)
