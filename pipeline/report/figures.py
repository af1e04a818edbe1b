"""All query results that a report shows.

The pages print each query, so that a reader can run it against the published database.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

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
from pipeline.report.query import QueryResult as QueryResult
from pipeline.report.query import ReportConnection, read_reports
from pipeline.report.stage.figures import StayFigures, read_stays

MAX_LEADS_PER_OWNER = 10
"""Leads listed per owner. The printed query lists all of them."""
MAX_OWNERS_SHOWN = 40
"""Owners whose leads are listed. The table of owners has all of them."""


MAX_UNKNOWN_STAGES_SHOWN = 20


@dataclass(frozen=True)
class PairFigures:
    """One pair: its monthly cohorts and, for a headline pair, its slices by dimension."""

    pair: rows.PairShown
    cohorts: QueryResult[rows.CohortMonth]
    slices: tuple[QueryResult[rows.Summary], ...]
    gap: QueryResult[rows.Gap] | None
    headline: figures.HeadlineFigures | None
    """Rows that only the page of a headline pair shows."""


@dataclass(frozen=True)
class Figures:
    """All query results of one report."""

    report: rows.Report
    reports: tuple[rows.Report, ...]
    """Every report of the run, `shown` included. The report of all leads is the first."""
    overview: QueryResult[rows.Overview]
    history: QueryResult[rows_quality.HistoryCoverage]
    before_coverage: frozenset[date]
    """Months whose cohorts begin before the history is complete."""
    windows: tuple[int, ...]
    aliases: tuple[tuple[int, str], ...]
    """(stage_no, normalised alias) from the configuration and the CRM."""
    members: tuple[tuple[str, str, str, str], ...]
    """(key, label, definition, label of a member stage) of every group."""
    headline: QueryResult[rows.Headline]
    pairs: tuple[PairFigures, ...]
    grid: QueryResult[rows.GridCell]
    totals: QueryResult[rows.Summary]
    arrivals: QueryResult[rows.PathArrival]
    summary: QueryResult[rows_summary.StageSummary]
    times: QueryResult[rows.StageTime]
    sla: QueryResult[rows_sla.StageSla]
    sla_months: tuple[QueryResult[rows_sla.StageSla], ...]
    sla_by_owner: tuple[QueryResult[rows_sla.OwnerSla], ...]
    flow: QueryResult[rows.Flow]
    flow_by_stage: tuple[QueryResult[rows.Flow], ...]
    balance: QueryResult[rows.LeadBalance]
    depth: QueryResult[rows.Depth]
    depth_months: QueryResult[rows.Depth]
    depth_path: QueryResult[rows_accounts.DepthPath]
    personas_now: QueryResult[rows_accounts.PersonaCover]
    personas_arrived: QueryResult[rows_accounts.PersonaCover]
    matching: QueryResult[rows_accounts.AccountMatching]
    owners: QueryResult[rows.Owner]
    open_leads: tuple[QueryResult[rows.OpenLead], ...]
    stages: QueryResult[rows.StageDefinition]
    accounting: QueryResult[rows_quality.Accounting]
    scope: QueryResult[rows_quality.ScopeRule]
    deliveries: QueryResult[rows_quality.NewestDelivery]
    rejections: QueryResult[rows_quality.Rejection]
    unknown: QueryResult[rows_quality.UnknownStage]
    unknown_stage_count: int
    """Number of distinct unknown stages. `unknown` holds the most frequent ones."""
    dates: QueryResult[rows_quality.DateFinding]
    coverage: QueryResult[rows_quality.Coverage]
    routes: QueryResult[conversion_rows.RouteConversion]
    origins: QueryResult[conversion_rows.OriginSource]
    qualifications: QueryResult[conversion_rows.Qualification]
    implied: QueryResult[conversion_rows.ImpliedComparison]
    expected_rate_record: QueryResult[rows_quality.ExpectedRateRecord]
    stays: StayFigures
    changes: ChangeFigures


def read_figures(database: duckdb.DuckDBPyConnection, report: str = "all") -> Figures:
    """Return the figures of one report.

    Raises duckdb.Error when a report table is missing, and StopIteration when there is no such report.
    """
    reports = read_reports(database)
    selected = next(each for each in reports if each.report == report)
    connection = ReportConnection(database, selected)
    pairs = connection.select(rows.PairShown, "report.pairs_shown", "shown_no", order="shown_no").rows
    dimensions = [
        name
        for (name,) in connection.fetch(
            "select dimension from waterfall.dimensions where position > 0 order by position"
        )
        if selected.is_all  # marts have no slices by two dimensions
    ]
    stages = connection.select(rows.StageDefinition, "waterfall.stages", "stage_no", order="stage_no")
    limits = connection.select(
        rows_sla.StageSla, "report.stage_sla", "met", where="month_start is null", order="stage_no"
    )
    owners = connection.select(rows.Owner, "report.open_by_owner", "open_leads", order="owner_no")
    return Figures(
        report=selected,
        reports=reports,
        overview=connection.select(rows.Overview, "report.overview", "leads"),
        history=connection.select(rows_quality.HistoryCoverage, "quality.history_coverage", "leads", order="input"),
        before_coverage=_months_before_coverage(connection),
        windows=_windows(connection),
        aliases=tuple(connection.fetch("select stage_no, alias from waterfall.stage_aliases order by stage_no, alias")),
        members=_members(connection),
        headline=connection.select(
            rows.Headline, "report.headline", "entered", order="headline_no, window_days nulls first"
        ),
        pairs=tuple(_pair(connection, pair, dimensions) for pair in pairs),
        grid=connection.select(
            rows.GridCell,
            "report.conversion_months",
            "entered",
            where="window_days is null and is_shown",
            order="month_start, shown_no",
        ),
        totals=connection.select(
            rows.Summary,
            "report.conversion_summary",
            "entered",
            where=f"dimension = {quoted(selected.dimension)} and cohorts in ('all', 'mature')",
            order="shown_no, window_days nulls first, cohorts",
        ),
        arrivals=_arrivals(connection),
        summary=connection.select(rows_summary.StageSummary, "report.stage_summary", "now", order="stage_no"),
        times=connection.select(rows.StageTime, "report.stage_times", "completed", order="stage_no"),
        sla=limits,
        sla_months=tuple(
            connection.select(
                rows_sla.StageSla,
                "report.stage_sla",
                "met",
                where=f"stage = {quoted(stage.stage)} and month_start is not null",
                order="month_start",
            )
            for stage in limits.rows
        ),
        sla_by_owner=tuple(
            connection.select(
                rows_sla.OwnerSla,
                "report.sla_by_owner",
                "met",
                where=f"stage = {quoted(stage.stage)}",
                order="owner_no",
            )
            for stage in limits.rows
        ),
        flow=connection.select(
            rows.Flow, "report.stage_flow", "closing", where="month_start is null", order="stage_no"
        ),
        flow_by_stage=tuple(
            connection.select(
                rows.Flow,
                "report.stage_flow",
                "closing",
                where=f"stage = {quoted(stage.stage)} and month_start is not null",
                order="month_start",
            )
            for stage in stages.rows
        ),
        balance=connection.select(rows.LeadBalance, "report.lead_balance", "closing", order="month_start nulls first"),
        depth=connection.select(
            rows.Depth,
            "report.account_depth",
            "leads",
            where="month_start is null",
            order="basis desc, mark_no",
        ),
        depth_months=connection.select(
            rows.Depth,
            "report.account_depth",
            "leads",
            where="basis = 'reached' and month_start is not null",
            order="month_start, mark_no",
        ),
        depth_path=connection.select(rows_accounts.DepthPath, "report.account_depth_path", "accounts", order="mark_no"),
        personas_now=_personas(connection, "current"),
        personas_arrived=_personas(connection, "arrived"),
        matching=connection.select(
            rows_accounts.AccountMatching,
            "quality.account_matching",
            "leads",
            order="outcome_no",
        ),
        owners=owners,
        open_leads=tuple(
            connection.select(
                rows.OpenLead,
                "report.stuck_leads",
                "lead_position",
                where=f"owner_no = {owner.owner_no}",
                order="lead_position",
                max_rows=MAX_LEADS_PER_OWNER,
            )
            for owner in owners.rows[:MAX_OWNERS_SHOWN]
        ),
        stages=stages,
        accounting=connection.select(rows_quality.Accounting, "quality.row_accounting", "rows_read", order="input"),
        deliveries=connection.select(
            rows_quality.NewestDelivery, "quality.newest_deliveries", "rejected", order="input_no"
        ),
        rejections=connection.select(
            rows_quality.Rejection, "report.rejected_reasons", "rejected", order="input, file_name, reason"
        ),
        unknown=connection.select(
            rows_quality.UnknownStage,
            "quality.unknown_stages",
            "entries",
            order="entries desc, stage_alias",
            max_rows=MAX_UNKNOWN_STAGES_SHOWN,
        ),
        unknown_stage_count=connection.fetch("select count(*) from quality.unknown_stages")[0][0],
        dates=connection.select(rows_quality.DateFinding, "quality.stage_dates", "leads", order="finding, stage"),
        scope=connection.select(rows_quality.ScopeRule, "quality.scope", "leads", order="rule_no"),
        coverage=connection.select(rows_quality.Coverage, "report.dimension_coverage", "stays", order="position"),
        routes=connection.select(
            conversion_rows.RouteConversion,
            "report.conversion_by_route",
            "entered",
            order="shown_no, route_no",
        ),
        origins=connection.select(conversion_rows.OriginSource, "report.origin_sources", "leads", order="source_no"),
        qualifications=connection.select(
            conversion_rows.Qualification, "report.qualifications", "cycles", order="qualifier_no"
        ),
        implied=connection.select(
            conversion_rows.ImpliedComparison,
            "report.implied_comparison",
            "entered",
            order="shown_no, basis",
        ),
        expected_rate_record=connection.select(
            rows_quality.ExpectedRateRecord, "report.settled_record", "estimates", order="headline_no"
        ),
        stays=read_stays(connection, stages.rows),
        changes=read_changes(connection),
    )


def _pair(connection: ReportConnection, pair: rows.PairShown, dimensions: list[str]) -> PairFigures:
    this_pair = f"from_stage = {quoted(pair.from_stage)} and to_stage = {quoted(pair.to_stage)}"
    return PairFigures(
        pair=pair,
        cohorts=connection.select(
            rows.CohortMonth,
            "report.conversion_months",
            "entered",
            where=f"{this_pair}\n    and is_trend",
            order="month_start, window_days nulls first",
        ),
        slices=tuple(
            connection.select(
                rows.Summary,
                "report.conversion_summary",
                "entered",
                where=f"{this_pair}\n    and dimension = {quoted(dimension)}",
                order="cohorts, dimension_value is null, entered desc, dimension_value",
            )
            for dimension in (dimensions if pair.is_headline else ())
        ),
        gap=connection.select(
            rows.Gap,
            "report.headline_gap",
            "units",
            where=f"headline_no = {pair.headline_no}",
            order="fate_no",
        )
        if pair.is_headline
        else None,
        headline=figures.read_headline(connection, pair, dimensions) if pair.is_headline else None,
    )


def _arrivals(connection: ReportConnection) -> QueryResult[rows.PathArrival]:
    """Return the arrivals of the last twelve complete months, or of all history if no month is complete."""
    recent, everything = (
        connection.select(
            rows.PathArrival,
            "report.path_arrivals",
            "arrivals",
            where=f"scope = {quoted(scope)}",
            order="rank, stage_no",
        )
        for scope in ("recent", "all")
    )
    return recent if recent.rows and recent.rows[0].first_month is not None else everything


def _personas(connection: ReportConnection, basis: str) -> QueryResult[rows_accounts.PersonaCover]:
    return connection.select(
        rows_accounts.PersonaCover,
        "report.persona_coverage",
        "accounts_with",
        where=f"basis = {quoted(basis)}",
        order="persona_no, mark_no",
    )


def _windows(connection: ReportConnection) -> tuple[int, ...]:
    fetched = connection.fetch(
        "select window_days from waterfall.windows where window_days is not null order by window_days"
    )
    return tuple(days for (days,) in fetched)


def _months_before_coverage(connection: ReportConnection) -> frozenset[date]:
    fetched = connection.fetch(
        "select period_start from quality.period_coverage where grain = 'month' and is_before_coverage"
    )
    return frozenset(month for (month,) in fetched)


def _members(connection: ReportConnection) -> tuple[tuple[str, str, str, str], ...]:
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
