"""All query results that a report shows.

The pages print each query, so that a reader can run it against the published database.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pipeline.database.connection import quoted
from pipeline.privacy.masking import QueryConnection
from pipeline.report import rows
from pipeline.report.accounts.figures import AccountFigures, read_accounts
from pipeline.report.actions.rows import Action
from pipeline.report.changes.figures import ChangeFigures, read_changes
from pipeline.report.conversion.figures import RouteFigures, read_routes
from pipeline.report.flow.figures import FlowFigures, read_flow
from pipeline.report.headline.rows import HeadlineChange, OpenMonths, ValueRate
from pipeline.report.overview.rows import StageSummary
from pipeline.report.owners.figures import SlaFigures, read_open_leads, read_sla
from pipeline.report.pair.figures import PairFigures, read_pair
from pipeline.report.quality.figures import QualityFigures, read_quality
from pipeline.report.query import QueryResult, ReportConnection, read_reports
from pipeline.report.stage.figures import StayFigures, read_stays


@dataclass(frozen=True)
class Figures:
    """All query results of one report."""

    report: rows.Report
    reports: tuple[rows.Report, ...]
    """Every report of the run, this one included. The report of all leads is the first."""
    overview: QueryResult[rows.Overview]
    before_coverage: frozenset[date]
    """Months whose cohorts begin before the history is complete."""
    windows: tuple[int, ...]
    aliases: tuple[tuple[int, str], ...]
    """(stage_no, normalised alias) from the configuration and the CRM."""
    members: tuple[tuple[str, str, str, str], ...]
    """(key, label, definition, label of a member stage) of every group."""
    headline: QueryResult[rows.Headline]
    headline_changes: QueryResult[HeadlineChange]
    open_months: QueryResult[OpenMonths]
    value_rates: tuple[QueryResult[ValueRate], ...]
    """One per headline pair."""
    actions: QueryResult[Action]
    pairs: tuple[PairFigures, ...]
    grid: QueryResult[rows.GridCell]
    totals: QueryResult[rows.Summary]
    summary: QueryResult[StageSummary]
    times: QueryResult[rows.StageTime]
    sla: SlaFigures
    flow: FlowFigures
    accounts: AccountFigures
    owners: QueryResult[rows.Owner]
    open_leads: tuple[QueryResult[rows.OpenLead], ...]
    stages: QueryResult[rows.StageDefinition]
    quality: QualityFigures
    routes: RouteFigures
    stays: StayFigures
    changes: ChangeFigures


def read_figures(database: QueryConnection, report: str = "all") -> Figures:
    """Return the figures of one report.

    Raises duckdb.Error when a report table is missing, and StopIteration when there is no such report.
    """
    reports = read_reports(database)
    selected = next(each for each in reports if each.report == report)
    connection = ReportConnection(database, selected)
    select = connection.select
    stages = select(rows.StageDefinition, "waterfall.stages", "stage_no", order="stage_no")
    owners = select(rows.Owner, "report.open_by_owner", "open_leads", order="owner_no")
    return Figures(
        report=selected,
        reports=reports,
        overview=select(rows.Overview, "report.overview", "leads"),
        before_coverage=_months_before_coverage(connection),
        windows=_windows(connection),
        aliases=tuple(connection.fetch("select stage_no, alias from waterfall.stage_aliases order by stage_no, alias")),
        members=_members(connection),
        headline=select(rows.Headline, "report.headline", "entered", order="headline_no, window_days nulls first"),
        headline_changes=select(HeadlineChange, "report.headline_change", "entered", order="headline_no, base"),
        open_months=select(OpenMonths, "report.open_months", "still_open", order="headline_no"),
        value_rates=tuple(
            select(
                ValueRate,
                "report.value_rates",
                "entered",
                where=f"headline_no = {number}",
                order="dimension_no, value_no",
            )
            for (number,) in connection.fetch(
                "select headline_no from waterfall.pairs where headline_no is not null order by headline_no"
            )
        ),
        actions=select(Action, "report.actions", "units", order="action_no"),
        pairs=_pairs(connection),
        grid=select(
            rows.GridCell,
            "report.conversion_months",
            "entered",
            where="window_days is null and is_shown",
            order="month_start, shown_no",
        ),
        totals=select(
            rows.Summary,
            "report.conversion_summary",
            "entered",
            where=f"dimension = {quoted(selected.dimension)} and cohorts in ('all', 'mature')",
            order="shown_no, window_days nulls first, cohorts",
        ),
        summary=select(StageSummary, "report.stage_summary", "now", order="stage_no"),
        times=select(rows.StageTime, "report.stage_times", "completed", order="stage_no"),
        sla=read_sla(connection),
        flow=read_flow(connection, stages.rows),
        accounts=read_accounts(connection),
        owners=owners,
        open_leads=read_open_leads(connection, owners),
        stages=stages,
        quality=read_quality(connection),
        routes=read_routes(connection),
        stays=read_stays(connection, stages.rows),
        changes=read_changes(connection),
    )


def _pairs(connection: ReportConnection) -> tuple[PairFigures, ...]:
    pairs = connection.select(rows.PairShown, "report.pairs_shown", "shown_no", order="shown_no").rows
    dimensions = [
        name
        for (name,) in connection.fetch(
            "select dimension from waterfall.dimensions where position > 0 order by position"
        )
        if connection.report.is_all  # marts have no slices by two dimensions
    ]
    return tuple(read_pair(connection, pair, dimensions) for pair in pairs)


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
            select milestones.milestone, milestones.label, milestones.definition, stages.label
            from waterfall.milestones as milestones
            inner join waterfall.milestone_members as members on members.milestone_no = milestones.milestone_no
            inner join waterfall.stages as stages on stages.stage_no = members.stage_no
            where milestones.is_group
            order by milestones.milestone_no, stages.stage_no
            """
        )
    )
