"""Compare the answers of two jobs cell by cell: counts exactly, days to a relative error of 1e-9."""

from __future__ import annotations

from pathlib import Path

import duckdb

KEYS = {
    "spans": ("stage", "exit_kind"),
    "cycles": ("entry_stage", "furthest_stage", "outcome"),
    "time_in_stage": ("month", "stage"),
    "conversion": ("month", "source", "from_stage", "to_stage"),
}
COUNTS = {
    "spans": ("spans",),
    "cycles": ("cycles",),
    "time_in_stage": ("completed",),
    "conversion": ("entered", "converted", "passed_over", "lost", "still_open"),
}
DAYS = {"time_in_stage": ("median_days", "p90_days")}
_TOLERANCE = 1e-9


def differences(ours: Path, theirs: Path) -> dict[str, int]:
    """Return the number of different rows per answer, including rows that only one side has."""
    row_counts = {}
    for name, key in KEYS.items():
        unequal = [f"ours.{each} is distinct from theirs.{each}" for each in COUNTS[name]]
        unequal += [
            f"(abs(ours.{each} - theirs.{each}) <= {_TOLERANCE} * abs(ours.{each})) is not true"
            for each in DAYS.get(name, ())
        ]
        on = " and ".join(f"ours.{each} is not distinct from theirs.{each}" for each in key)
        row = duckdb.execute(
            f"select count(*) from '{ours / name}.parquet' as ours full join '{theirs / name}.parquet' as theirs on {on} "
            f"where {' or '.join(unequal)}"
        ).fetchone()
        if row and row[0]:
            row_counts[name] = int(row[0])
    return row_counts


def cells(folder: Path) -> int:
    """Return the number of cells with counts and days in an answer."""
    total = 0
    for name in KEYS:
        row = duckdb.execute(f"select count(*) from '{folder / name}.parquet'").fetchone()
        total += (int(row[0]) if row else 0) * (len(COUNTS[name]) + len(DAYS.get(name, ())))
    return total
