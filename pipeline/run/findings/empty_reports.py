"""Finds reports of one value that no lead has. Such a report is complete but empty."""

from __future__ import annotations

import duckdb


def without_leads(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return a sentence for each report whose value no lead has. Reads waterfall.reports and journey.slices."""
    rows = connection.execute(
        """
        select reports.report, reports.dimension, reports.dimension_value
        from waterfall.reports as reports
        anti join journey.slices as slices
            on slices.dimension = reports.dimension and slices.dimension_value = reports.dimension_value
        where reports.report_no > 0
        order by reports.report_no
        """
    ).fetchall()
    return [f"report {report}: no lead has {dimension} = {value}, so it is empty" for report, dimension, value in rows]
