"""Finds truncated history: inputs where most leads start on one day."""

from __future__ import annotations

import duckdb


def looks_cut(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return one sentence per input whose history looks truncated. Reads quality.history_coverage."""
    rows = connection.execute(
        "select input, bulk_leads, leads, bulk_date, complete_from from quality.history_coverage where is_cut order by input"
    ).fetchall()
    return [
        f"{name}: {bulk_leads:,} of {leads:,} leads have their first entry on {bulk_date}, so the history before that day looks "
        f"cut (a first sync, or an export that begins there). It is complete from {complete_from}, and the report marks earlier "
        "cohorts. Export the older history, too, or compare later cohorts only"
        for name, bulk_leads, leads, bulk_date, complete_from in rows
    ]
