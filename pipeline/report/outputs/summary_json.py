"""Build summary.json: headline, stages, SLA and row accounting of a run.

The same database produces the same document. docs/report_files.md describes each key.
"""

from __future__ import annotations

import json
import math
from datetime import date, datetime
from typing import Any

from pipeline.privacy.masking import QueryConnection
from pipeline.report import links
from pipeline.report.data.tables import ReportTable
from pipeline.report.links import VERSION
from pipeline.report.query import ReportFilter


def summary(connection: QueryConnection, report: ReportFilter, tables: tuple[ReportTable, ...]) -> dict[str, Any]:
    """Return the document of one report. Shares are fractions of 1, times are UTC, missing values null."""
    total = _records(
        connection,
        "select name, as_of, as_of_local, as_of_date, timezone, unit, leads, entries, cycles, open_cycles, accounts, "
        f"open_leads, overdue from report.overview where {report.condition}",
    )[0]
    head = ("name", "as_of_date", "as_of_local", "timezone", "unit")
    counts = ("leads", "entries", "cycles", "open_cycles", "accounts", "open_leads", "overdue")
    return {
        "version": VERSION,
        **{key: _json_value(total[key]) for key in head},
        "as_of": f"{_json_value(total['as_of'])}Z",
        **{key: total[key] for key in counts},
        **_json_records(connection, "select max(complete_from) as complete_from from quality.history_coverage")[0],
        "headline": _headline(connection, report),
        "stages": _json_records(
            connection,
            "select flow.stage, flow.stage_label as label, stages.kind, flow.opening, flow.ins, flow.outs, flow.closing "
            "from report.stage_flow as flow inner join waterfall.stages as stages on stages.stage = flow.stage "
            f"where flow.{report.condition} and flow.month_start is null order by flow.stage_no",
        ),
        "limits": _json_records(
            connection,
            "select stage, stage_label as label, sla_text as within, sla_clock as clock, met, breached, open_within, "
            f"open_overdue, met_share from report.stage_sla where {report.condition} and month_start is null "
            "order by stage_no",
        ),
        "rows": _json_records(
            connection,
            "select input, rows_read, filtered, rejected, redelivered, after_as_of, out_of_scope, duplicates, repeats, kept "
            "from quality.row_accounting order by input",
        ),
        "tables": [
            {"table": table.full_name, "file": links.data_file(table.name), "rows": table.rows} for table in tables
        ],
    }


def to_json(document: dict[str, Any]) -> str:
    """Return the document as JSON text with a final newline. Raises ValueError for NaN."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _headline(connection: QueryConnection, report: ReportFilter) -> list[dict[str, Any]]:
    """Return one entry per headline pair and window, with its cohorts."""
    pairs = _records(
        connection,
        "select headline_no, from_stage, to_stage, from_label, to_label, unit, window_days, is_headline_window, settle_days, "
        "coverage, target, overdue, settled_estimate, settled_low, settled_high from report.headline "
        f"where {report.condition} order by headline_no, window_days nulls first",
    )
    cohorts = _records(
        connection,
        "select headline_no, window_days, cohorts, months, first_month, last_month, entered, converted, passed_over, "
        "lost, still_open, rate, rate_low, rate_high from report.conversion_summary "
        f"where {report.condition} and dimension = 'all' and headline_no is not null "
        "order by headline_no, window_days nulls first, list_position(['all', 'mature', 'recent', 'latest', 'previous'], cohorts)",
    )
    return [
        {
            "from": pair["from_stage"],
            "to": pair["to_stage"],
            "from_label": pair["from_label"],
            "to_label": pair["to_label"],
            "unit": pair["unit"],
            "basis": "cohort",
            "window_days": pair["window_days"],
            "is_headline_window": pair["is_headline_window"],
            "settle_days": pair["settle_days"],
            "coverage": _json_value(pair["coverage"]),
            "target": _json_value(pair["target"]),
            "overdue": pair["overdue"],
            "settled": {key: _json_value(pair[f"settled_{key}"]) for key in ("estimate", "low", "high")},
            "cohorts": [
                _cohort(row)
                for row in cohorts
                if (row["headline_no"], row["window_days"]) == (pair["headline_no"], pair["window_days"])
            ],
        }
        for pair in pairs
    ]


def _cohort(row: dict[str, Any]) -> dict[str, Any]:
    counts = ("entered", "converted", "passed_over", "lost", "still_open")
    return {
        "cohort": row["cohorts"],
        "months": row["months"],
        "first_month": _json_value(row["first_month"]),
        "last_month": _json_value(row["last_month"]),
        **{key: row[key] for key in counts},
        "rate": _json_value(row["rate"]),
        "low": _json_value(row["rate_low"]),
        "high": _json_value(row["rate_high"]),
    }


def _json_records(connection: QueryConnection, query: str) -> list[dict[str, Any]]:
    return [{key: _json_value(value) for key, value in row.items()} for row in _records(connection, query)]


def _records(connection: QueryConnection, query: str) -> list[dict[str, Any]]:
    result = connection.execute(query)
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _json_value(value: Any) -> Any:
    """Return a value that JSON can hold: ISO 8601 text for times, None for NaN and infinity."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    return None if isinstance(value, float) and not math.isfinite(value) else value
