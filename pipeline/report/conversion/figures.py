"""Query results of routes, origins and implied entries."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.report.conversion import rows
from pipeline.report.query import QueryResult, ReportConnection


@dataclass(frozen=True)
class RouteFigures:
    """Conversion by route, origins, qualifications, and the comparison with implied entries."""

    conversion: QueryResult[rows.RouteConversion]
    origins: QueryResult[rows.OriginSource]
    qualifications: QueryResult[rows.Qualification]
    implied: QueryResult[rows.ImpliedComparison]


def read_routes(connection: ReportConnection) -> RouteFigures:
    """Return the figures of routes, origins and implied entries."""
    select = connection.select
    return RouteFigures(
        conversion=select(rows.RouteConversion, "report.conversion_by_route", "entered", order="shown_no, route_no"),
        origins=select(rows.OriginSource, "report.origin_sources", "leads", order="source_no"),
        qualifications=select(rows.Qualification, "report.qualifications", "cycles", order="qualifier_no"),
        implied=select(rows.ImpliedComparison, "report.implied_comparison", "entered", order="shown_no, basis"),
    )
