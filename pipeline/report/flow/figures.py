"""Query results of volumes: arrivals and balances."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.database.connection import quoted
from pipeline.report import rows
from pipeline.report.flow.rows import FunnelStep, FunnelStop
from pipeline.report.query import QueryResult, ReportConnection


@dataclass(frozen=True)
class FlowFigures:
    """Arrivals at the path stages, and the balances of stages and of all leads."""

    funnel: QueryResult[FunnelStep]
    funnel_stops: QueryResult[FunnelStop]
    arrivals: QueryResult[rows.PathArrival]
    stages: QueryResult[rows.Flow]
    """All history."""
    by_stage: tuple[QueryResult[rows.Flow], ...]
    """The months of each stage."""
    balance: QueryResult[rows.LeadBalance]


def read_flow(connection: ReportConnection, stages: tuple[rows.StageDefinition, ...]) -> FlowFigures:
    """Return arrivals and balances."""
    return FlowFigures(
        funnel=connection.select(FunnelStep, "report.funnel", "leads", order="step_no"),
        funnel_stops=connection.select(
            FunnelStop, "report.funnel_stops", "leads", order="step_rank, leads desc, state, stage"
        ),
        arrivals=_arrivals(connection),
        stages=connection.select(
            rows.Flow, "report.stage_flow", "closing", where="month_start is null", order="stage_no"
        ),
        by_stage=tuple(
            connection.select(
                rows.Flow,
                "report.stage_flow",
                "closing",
                where=f"stage = {quoted(stage.stage)} and month_start is not null",
                order="month_start",
            )
            for stage in stages
        ),
        balance=connection.select(rows.LeadBalance, "report.lead_balance", "closing", order="month_start nulls first"),
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
