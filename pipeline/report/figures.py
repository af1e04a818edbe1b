"""What the page shows, read from a built database: every set of rows together with the query that gave it.

The query is printed beside the figure, so a reader can put the same question to the published file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import partial

import duckdb

from pipeline.database.connection import quoted
from pipeline.report import rows
from pipeline.report.accounts import rows as rows_accounts
from pipeline.report.changes.figures import ChangeFigures, read_changes
from pipeline.report.conversion import rows as conversion_rows
from pipeline.report.overview import rows as rows_summary
from pipeline.report.owners import rows as rows_sla
from pipeline.report.pair import figures
from pipeline.report.quality import rows as rows_quality
from pipeline.report.query import Answer as Answer
from pipeline.report.query import Asked, read_reports
from pipeline.report.query import ask as _ask
from pipeline.report.stage.figures import StayFigures, read_stays

STUCK_SHOWN = 10
"""Leads listed per owner; the query lists them all."""
OWNERS_SHOWN = 40
"""Owners whose leads are listed; the table of owners has them all."""


UNKNOWN_SHOWN = 20
"""Unknown stages listed."""


@dataclass(frozen=True)
class PairFigures:
    """One pair of the report: its monthly cohorts in all windows and, for a headline pair, the cuts by dimension."""

    pair: rows.PairShown
    cohorts: Answer[rows.CohortMonth]
    cuts: tuple[Answer[rows.Summary], ...]
    gap: Answer[rows.Gap] | None
    more: figures.HeadlineFigures | None
    """What only the page of a headline pair shows."""


@dataclass(frozen=True)
class Figures:
    """Everything on the page, in no order of importance."""

    shown: rows.Report
    reports: tuple[rows.Report, ...]
    """Every report of the night, `shown` among them, that of all leads first."""
    overview: Answer[rows.Overview]
    history: Answer[rows_quality.HistoryCoverage]
    uncovered: frozenset[date]
    """Months whose cohorts begin before the history is complete."""
    windows: tuple[int, ...]
    aliases: tuple[tuple[int, str], ...]
    """(stage_no, alias) as the configuration and the CRM write them, normalised."""
    members: tuple[tuple[str, str, str, str], ...]
    """(key, label, definition, label of a stage in it) of every group."""
    headline: Answer[rows.Headline]
    pairs: tuple[PairFigures, ...]
    grid: Answer[rows.GridCell]
    totals: Answer[rows.Summary]
    arrivals: Answer[rows.PathArrival]
    summary: Answer[rows_summary.StageSummary]
    times: Answer[rows.StageTime]
    limits: Answer[rows_sla.StageSla]
    limit_months: tuple[Answer[rows_sla.StageSla], ...]
    limit_owners: tuple[Answer[rows_sla.OwnerSla], ...]
    flow: Answer[rows.Flow]
    flow_by_stage: tuple[Answer[rows.Flow], ...]
    balance: Answer[rows.LeadBalance]
    depth: Answer[rows.Depth]
    depth_months: Answer[rows.Depth]
    depth_path: Answer[rows_accounts.DepthPath]
    personas_now: Answer[rows_accounts.PersonaCover]
    personas_arrived: Answer[rows_accounts.PersonaCover]
    matching: Answer[rows_accounts.AccountMatching]
    owners: Answer[rows.Owner]
    stuck: tuple[Answer[rows.StuckLead], ...]
    stages: Answer[rows.StageDefinition]
    accounting: Answer[rows_quality.Accounting]
    scope: Answer[rows_quality.ScopeRule]
    deliveries: Answer[rows_quality.NewestDelivery]
    rejections: Answer[rows_quality.Rejection]
    unknown: Answer[rows_quality.UnknownStage]
    unknown_values: int
    """How many values there are in all."""
    dates: Answer[rows_quality.DateFinding]
    coverage: Answer[rows_quality.Coverage]
    routes: Answer[conversion_rows.RouteConversion]
    origins: Answer[conversion_rows.OriginSource]
    qualifications: Answer[conversion_rows.Qualification]
    implied: Answer[conversion_rows.ImpliedComparison]
    settled_record: Answer[rows_quality.SettledRecord]
    stays: StayFigures
    changes: ChangeFigures


def read_figures(database: duckdb.DuckDBPyConnection, report: str = "all") -> Figures:
    """Put every question of the page to a built database, for one of its reports.

    Reads only; duckdb.Error when a report table is missing, StopIteration when there is no such report.
    """
    reports = read_reports(database)
    shown = next(each for each in reports if each.report == report)
    connection = Asked(database, shown)
    ask = partial(_ask, connection)
    pairs = _ask(connection, rows.PairShown, "report.pairs_shown", "shown_no", order="shown_no").rows
    dimensions = [
        name
        for (name,) in connection.fetch(
            "select dimension from waterfall.dimensions where position > 0 order by position"
        )
        if shown.is_all  # marts have no cuts of cuts
    ]
    stages = _ask(connection, rows.StageDefinition, "waterfall.stages", "stage_no", order="stage_no")
    limits = _ask(
        connection, rows_sla.StageSla, "report.stage_sla", "met", where="month_start is null", order="stage_no"
    )
    owners = _ask(connection, rows.Owner, "report.open_by_owner", "open_leads", order="owner_no")
    return Figures(
        shown=shown,
        reports=reports,
        overview=_ask(connection, rows.Overview, "report.overview", "leads"),
        history=_ask(connection, rows_quality.HistoryCoverage, "quality.history_coverage", "leads", order="input"),
        uncovered=_uncovered(connection),
        windows=_windows(connection),
        aliases=tuple(connection.fetch("select stage_no, alias from waterfall.stage_aliases order by stage_no, alias")),
        members=_members(connection),
        headline=_ask(
            connection, rows.Headline, "report.headline", "entered", order="headline_no, window_days nulls first"
        ),
        pairs=tuple(_pair(connection, pair, dimensions) for pair in pairs),
        grid=_ask(
            connection,
            rows.GridCell,
            "report.conversion_months",
            "entered",
            where="window_days is null and is_shown",
            order="month_start, shown_no",
        ),
        totals=_ask(
            connection,
            rows.Summary,
            "report.conversion_summary",
            "entered",
            where=f"dimension = {quoted(shown.dimension)} and cohorts in ('all', 'mature')",
            order="shown_no, window_days nulls first, cohorts",
        ),
        arrivals=_arrivals(connection),
        summary=_ask(connection, rows_summary.StageSummary, "report.stage_summary", "now", order="stage_no"),
        times=_ask(connection, rows.StageTime, "report.stage_times", "completed", order="stage_no"),
        limits=limits,
        limit_months=tuple(
            _ask(
                connection,
                rows_sla.StageSla,
                "report.stage_sla",
                "met",
                where=f"stage = {quoted(stage.stage)} and month_start is not null",
                order="month_start",
            )
            for stage in limits.rows
        ),
        limit_owners=tuple(
            _ask(
                connection,
                rows_sla.OwnerSla,
                "report.sla_by_owner",
                "met",
                where=f"stage = {quoted(stage.stage)}",
                order="owner_no",
            )
            for stage in limits.rows
        ),
        flow=_ask(connection, rows.Flow, "report.stage_flow", "closing", where="month_start is null", order="stage_no"),
        flow_by_stage=tuple(
            _ask(
                connection,
                rows.Flow,
                "report.stage_flow",
                "closing",
                where=f"stage = {quoted(stage.stage)} and month_start is not null",
                order="month_start",
            )
            for stage in stages.rows
        ),
        balance=_ask(connection, rows.LeadBalance, "report.lead_balance", "closing", order="month_start nulls first"),
        depth=_ask(
            connection,
            rows.Depth,
            "report.account_depth",
            "leads",
            where="month_start is null",
            order="basis desc, mark_no",
        ),
        depth_months=_ask(
            connection,
            rows.Depth,
            "report.account_depth",
            "leads",
            where="basis = 'reached' and month_start is not null",
            order="month_start, mark_no",
        ),
        depth_path=_ask(connection, rows_accounts.DepthPath, "report.account_depth_path", "accounts", order="mark_no"),
        personas_now=_personas(connection, "current"),
        personas_arrived=_personas(connection, "arrived"),
        matching=_ask(
            connection,
            rows_accounts.AccountMatching,
            "quality.account_matching",
            "leads",
            order="outcome_no",
        ),
        owners=owners,
        stuck=tuple(
            _ask(
                connection,
                rows.StuckLead,
                "report.stuck_leads",
                "lead_position",
                where=f"owner_no = {owner.owner_no}",
                order="lead_position",
                shown=STUCK_SHOWN,
            )
            for owner in owners.rows[:OWNERS_SHOWN]
        ),
        stages=stages,
        accounting=_ask(connection, rows_quality.Accounting, "quality.row_accounting", "rows_read", order="input"),
        deliveries=_ask(
            connection, rows_quality.NewestDelivery, "quality.newest_deliveries", "rejected", order="input_no"
        ),
        rejections=_ask(
            connection, rows_quality.Rejection, "report.rejected_reasons", "rejected", order="input, file_name, reason"
        ),
        unknown=_ask(
            connection,
            rows_quality.UnknownStage,
            "quality.unknown_stages",
            "entries",
            order="entries desc, stage_alias",
            shown=UNKNOWN_SHOWN,
        ),
        unknown_values=connection.fetch("select count(*) from quality.unknown_stages")[0][0],
        dates=_ask(connection, rows_quality.DateFinding, "quality.stage_dates", "leads", order="finding, stage"),
        scope=_ask(connection, rows_quality.ScopeRule, "quality.scope", "leads", order="rule_no"),
        coverage=_ask(connection, rows_quality.Coverage, "report.dimension_coverage", "stays", order="position"),
        routes=_ask(
            connection,
            conversion_rows.RouteConversion,
            "report.conversion_by_route",
            "entered",
            order="shown_no, route_no",
        ),
        origins=_ask(connection, conversion_rows.OriginSource, "report.origin_sources", "leads", order="source_no"),
        qualifications=_ask(
            connection, conversion_rows.Qualification, "report.qualifications", "cycles", order="qualifier_no"
        ),
        implied=_ask(
            connection,
            conversion_rows.ImpliedComparison,
            "report.implied_comparison",
            "entered",
            order="shown_no, basis",
        ),
        settled_record=_ask(
            connection, rows_quality.SettledRecord, "report.settled_record", "estimates", order="headline_no"
        ),
        stays=read_stays(ask, stages.rows),
        changes=read_changes(ask),
    )


def _pair(connection: Asked, pair: rows.PairShown, dimensions: list[str]) -> PairFigures:
    this_pair = f"from_stage = {quoted(pair.from_stage)} and to_stage = {quoted(pair.to_stage)}"
    return PairFigures(
        pair=pair,
        cohorts=_ask(
            connection,
            rows.CohortMonth,
            "report.conversion_months",
            "entered",
            where=f"{this_pair}\n    and is_trend",
            order="month_start, window_days nulls first",
        ),
        cuts=tuple(
            _ask(
                connection,
                rows.Summary,
                "report.conversion_summary",
                "entered",
                where=f"{this_pair}\n    and dimension = {quoted(dimension)}",
                order="cohorts, dimension_value is null, entered desc, dimension_value",
            )
            for dimension in (dimensions if pair.is_headline else ())
        ),
        gap=_ask(
            connection,
            rows.Gap,
            "report.headline_gap",
            "units",
            where=f"headline_no = {pair.headline_no}",
            order="fate_no",
        )
        if pair.is_headline
        else None,
        more=figures.read_headline(connection, pair, dimensions) if pair.is_headline else None,
    )


def _arrivals(connection: Asked) -> Answer[rows.PathArrival]:
    """The last twelve complete months; all history while no month is complete yet."""
    recent, everything = (
        _ask(
            connection,
            rows.PathArrival,
            "report.path_arrivals",
            "arrivals",
            where=f"scope = {quoted(scope)}",
            order="rank, stage_no",
        )
        for scope in ("recent", "all")
    )
    return recent if recent.rows and recent.rows[0].first_month is not None else everything


def _personas(connection: Asked, basis: str) -> Answer[rows_accounts.PersonaCover]:
    return _ask(
        connection,
        rows_accounts.PersonaCover,
        "report.persona_coverage",
        "accounts_with",
        where=f"basis = {quoted(basis)}",
        order="persona_no, mark_no",
    )


def _windows(connection: Asked) -> tuple[int, ...]:
    found = connection.fetch(
        "select window_days from waterfall.windows where window_days is not null order by window_days"
    )
    return tuple(days for (days,) in found)


def _uncovered(connection: Asked) -> frozenset[date]:
    found = connection.fetch(
        "select period_start from quality.period_coverage where grain = 'month' and is_before_coverage"
    )
    return frozenset(month for (month,) in found)


def _members(connection: Asked) -> tuple[tuple[str, str, str, str], ...]:
    return tuple(
        connection.fetch(
            """
            select marks.mark, marks.label, marks.definition, stages.label
            from waterfall.marks as marks
            inner join waterfall.mark_members as members on members.mark_no = marks.mark_no
            inner join waterfall.stages as stages on stages.stage_no = members.stage_no
            where marks.is_group
            order by marks.mark_no, stages.stage_no
            """
        )
    )
