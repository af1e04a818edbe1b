"""The page of conversion by cohort: every pair by month."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.report.conversion.cohorts import Conversion, conversion
from pipeline.report.conversion.implied import implied
from pipeline.report.conversion.routes import Routes, routes
from pipeline.report.layout.table import Table
from pipeline.report.query import Report


@dataclass(frozen=True)
class ConversionPage:
    """Every pair by month."""

    conversion: Conversion
    routes: Routes
    implied: Table | None


def conversion_page(report: Report) -> ConversionPage:
    """Return the page of conversion by cohort."""
    return ConversionPage(conversion(report), routes(report), implied(report))
