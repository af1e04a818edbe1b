"""Build summary.json: headline, stages, SLA and row accounting of a run.

The same database produces the same document. docs/report_files.md describes each key.
"""

from __future__ import annotations

import json
import math
from datetime import date
from typing import Any

from pipeline.privacy.masking import QueryConnection
from pipeline.report import links
from pipeline.report.data.tables import ReportTable
from pipeline.report.links import VERSION
from pipeline.report.query import ReportFilter

_TOTALS = """
    select name, as_of_date, as_of_local, timezone, unit, as_of, leads, entries, cycles, open_cycles, accounts, open_leads, overdue,
        (select max(complete_from) from quality.history_coverage) as complete_from
    from report.overview where {report}
"""
_HEADLINE = """
    with cohorts as (
        select headline_no, window_days,
            list({{
                'cohort': cohorts, 'months': months, 'first_month': first_month, 'last_month': last_month,
                'entered': entered, 'converted': converted, 'passed_over': passed_over, 'lost': lost, 'still_open': still_open,
                'rate': rate, 'low': rate_low, 'high': rate_high
            }} order by list_position(['all', 'mature', 'recent', 'latest', 'previous'], cohorts)) as cohorts
        from report.conversion_summary
        where {report} and dimension = 'all' and headline_no is not null
        group by headline_no, window_days
    )
    select
        pairs.from_stage as "from", pairs.to_stage as "to", pairs.from_label, pairs.to_label, pairs.unit, 'cohort' as basis,
        pairs.window_days, pairs.is_headline_window, pairs.settle_days, pairs.coverage, pairs.target, pairs.overdue,
        {{'estimate': pairs.settled_estimate, 'low': pairs.settled_low, 'high': pairs.settled_high}} as settled,
        coalesce(cohorts.cohorts, []) as cohorts
    from report.headline as pairs
    left join cohorts
        on cohorts.headline_no = pairs.headline_no and cohorts.window_days is not distinct from pairs.window_days
    where pairs.{report}
    order by pairs.headline_no, pairs.window_days nulls first
"""
_STAGES = """
    select flow.stage, flow.stage_label as label, stages.kind, flow.opening, flow.ins, flow.outs, flow.closing
    from report.stage_flow as flow inner join waterfall.stages as stages on stages.stage = flow.stage
    where flow.{report} and flow.month_start is null order by flow.stage_no
"""
_LIMITS = """
    select stage, stage_label as label, sla_text as within, sla_clock as clock, met, breached, open_within, open_overdue, met_share
    from report.stage_sla where {report} and month_start is null order by stage_no
"""
_ROWS = """
    select input, rows_read, filtered, rejected, redelivered, after_as_of, out_of_scope, duplicates, repeats, kept
    from quality.row_accounting order by input
"""


def summary(connection: QueryConnection, report: ReportFilter, tables: tuple[ReportTable, ...]) -> dict[str, Any]:
    """Return the document of one report. Shares are fractions of 1, times are UTC, missing values null."""

    def records(query: str) -> list[dict[str, Any]]:
        result = connection.execute(query.format(report=report.condition))
        names = [column[0] for column in result.description or []]
        return [_json_value(dict(zip(names, row, strict=True))) for row in result.fetchall()]

    (total,) = records(_TOTALS)
    return {
        "version": VERSION,
        **total,
        "as_of": f"{total['as_of']}Z",
        "headline": records(_HEADLINE),
        "stages": records(_STAGES),
        "limits": records(_LIMITS),
        "rows": records(_ROWS),
        "tables": [
            {"table": table.full_name, "file": links.data_file(table.name), "rows": table.rows} for table in tables
        ],
    }


def to_json(document: dict[str, Any]) -> str:
    """Return the document as JSON text with a final newline. Raises ValueError for NaN."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _json_value(value: Any) -> Any:
    """Return a value that JSON can hold: ISO 8601 text for times, None for NaN and infinity."""
    if isinstance(value, dict):
        return {key: _json_value(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_json_value(each) for each in value]
    if isinstance(value, date):
        return value.isoformat()
    return None if isinstance(value, float) and not math.isfinite(value) else value
