"""The page of one headline pair."""

from __future__ import annotations

from typing import Any

from pipeline.report import answers
from pipeline.report.changes import changes
from pipeline.report.changes.findings import findings
from pipeline.report.conversion import cohorts
from pipeline.report.headline.by_value import pair_charts
from pipeline.report.headline.key_rates import key_rates
from pipeline.report.headline.outcomes import outcomes
from pipeline.report.headline.ways import ways_to_count
from pipeline.report.pair.ages import cohort_ages, heat_map
from pipeline.report.pair.mix import mixes
from pipeline.report.pair.months import arrivals, losses
from pipeline.report.query import Report, Row


def pair_page(report: Report, row: Row) -> dict[str, Any]:
    """Return what the page of a pair shows. `row` is the pair in report.headline without a window."""
    number = row.headline_no
    pair = next(each for each in answers.pairs(report) if each.headline_no == number)
    ages = cohort_ages(report, pair)
    return {
        "from_label": row.from_label,
        "to_label": row.to_label,
        "meaning": f"{row.from_label}: {row.from_definition} {row.to_label}: {row.to_definition}",
        "key_rate": next(rate for rate in key_rates(report) if rate["headline_no"] == number),
        "outcomes": outcomes(report, row),
        "findings": findings(report, row),
        "findings_source": report.source(answers.month_findings(report)),
        "by_value": pair_charts(report, row),
        "ages": heat_map(report, pair, ages),
        "change": changes.pair_change(report, number),
        "change_note": changes.SPLIT_NOTE,
        "change_legend": changes.LEGEND,
        "months": cohorts.months(report, pair).table,
        "losses": losses(report, row, ages.rows),
        "arrivals": arrivals(report, row),
        "mixes": mixes(report, pair),
        "slices": cohorts.slices(report, pair),
        "ways": ways_to_count(report, number),
    }
