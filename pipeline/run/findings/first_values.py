"""Finds leads whose first stage has no date, because no input has their creation time (E9)."""

from __future__ import annotations

import duckdb


def without_date(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return one sentence per history input with such leads. Reads quality.first_values."""
    rows = connection.execute(
        "select input, without_date from quality.first_values where without_date > 0 order by input"
    ).fetchall()
    return [
        f"{name}: {leads:,} {'lead has' if leads == 1 else 'leads have'} a first status without a date: "
        "deliver the leads with created_at, or map record_created_at of this input"
        for name, leads in rows
    ]
