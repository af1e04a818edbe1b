"""The page of conversion by cohort: every pair by month."""

from __future__ import annotations

from typing import Any

from pipeline.report import answers
from pipeline.report.conversion import cohorts, routes
from pipeline.report.conversion.implied import implied
from pipeline.report.query import Report


def conversion_page(report: Report) -> dict[str, Any]:
    """Return what the page of conversion by cohort shows."""
    return {
        "grid": cohorts.grid(report),
        "pairs": tuple(cohorts.months(report, pair) for pair in answers.pairs(report)),
        "qualifying": routes.qualifying(report),
        "routes": routes.conversion_by_route(report),
        "implied": implied(report),
    }
