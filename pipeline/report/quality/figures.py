"""Query results of the data-quality page."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.report.quality import rows
from pipeline.report.query import QueryResult, ReportConnection

MAX_UNKNOWN_STAGES_SHOWN = 20


@dataclass(frozen=True)
class QualityFigures:
    """Row accounting and findings in the inputs."""

    history: QueryResult[rows.HistoryCoverage]
    accounting: QueryResult[rows.Accounting]
    scope: QueryResult[rows.ScopeRule]
    deliveries: QueryResult[rows.NewestDelivery]
    rejections: QueryResult[rows.Rejection]
    unknown: QueryResult[rows.UnknownStage]
    unknown_stage_count: int
    """Number of distinct unknown stages. `unknown` holds the most frequent ones."""
    dates: QueryResult[rows.DateFinding]
    coverage: QueryResult[rows.Coverage]
    expected_rate_record: QueryResult[rows.ExpectedRateRecord]


def read_quality(connection: ReportConnection) -> QualityFigures:
    """Return the figures of the data-quality page."""
    select = connection.select
    return QualityFigures(
        history=select(rows.HistoryCoverage, "quality.history_coverage", "leads", order="input"),
        accounting=select(rows.Accounting, "quality.row_accounting", "rows_read", order="input"),
        scope=select(rows.ScopeRule, "quality.scope", "leads", order="rule_no"),
        deliveries=select(rows.NewestDelivery, "quality.newest_deliveries", "rejected", order="input_no"),
        rejections=select(rows.Rejection, "report.rejected_reasons", "rejected", order="input, file_name, reason"),
        unknown=select(
            rows.UnknownStage,
            "quality.unknown_stages",
            "entries",
            order="entries desc, stage_alias",
            max_rows=MAX_UNKNOWN_STAGES_SHOWN,
        ),
        unknown_stage_count=connection.fetch("select count(*) from quality.unknown_stages")[0][0],
        dates=select(rows.DateFinding, "quality.stage_dates", "leads", order="finding, stage"),
        coverage=select(rows.Coverage, "report.dimension_coverage", "stays", order="position"),
        expected_rate_record=select(rows.ExpectedRateRecord, "report.settled_record", "estimates", order="headline_no"),
    )
