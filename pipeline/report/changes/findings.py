"""Months of a trend that stand out, and runs of months in one direction, in words."""

from __future__ import annotations

from pipeline.report import answers, text
from pipeline.report.query import Report, Row


def findings(report: Report, pair: Row) -> tuple[str, ...]:
    """Return a sentence per finding in the trend of a headline pair, the newest first."""
    rows = [row for row in answers.month_findings(report).rows if row.headline_no == pair.headline_no]
    return tuple(_run(report, row, pair) if row.p_value is None else _outlier(report, row, pair) for row in rows[::-1])


def _run(report: Report, row: Row, pair: Row) -> str:
    verb = "risen" if row.finding == "rising" else "fallen"
    return (
        f"{pair.from_label} → {pair.to_label} has {verb} five months in a row: {text.rate(row.base_rate)} of "
        f"{text.plural(row.base_entered, pair.unit)} in {report.month(row.base_first_month)}, {text.rate(row.rate)} of "
        f"{text.count(row.entered)} in {report.month(row.month_start)}."
    )


def _outlier(report: Report, row: Row, pair: Row) -> str:
    said = (
        f"{report.month(row.month_start)} stands out: {text.rate(row.rate)} of the {text.count(row.entered)} that became "
        f"{pair.from_label} went on to {pair.to_label}, {text.rate(row.base_rate)} of {text.count(row.base_entered)} in the months "
        "around it."
    )
    if row.dimension is None:
        return said
    around = "" if row.value_base_rate is None else f", in the months around it {text.rate(row.value_base_rate)}"
    return (
        f"{said} Most of it: {report.dimension(row.dimension)} “{text.isolated(row.dimension_value)}”, {text.rate(row.value_rate)} "
        f"of {text.count(row.value_entered)}{around}; it was {text.rate(row.value_share)} of all instead of "
        f"{text.rate(row.value_base_share)}."
    )
