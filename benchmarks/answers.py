"""Do two jobs answer the same? Compared cell by cell: words and counts exactly, days to one part in a thousand million."""

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
_CLOSE = 1e-9


def differences(ours: Path, theirs: Path) -> dict[str, int]:
    """Rows of each answer that only one side has, or that differ in a cell. {} when everything is equal."""
    found = {}
    for name, key in KEYS.items():
        unequal = [f"ours.{each} is distinct from theirs.{each}" for each in COUNTS[name]]
        unequal += [
            f"(abs(ours.{each} - theirs.{each}) <= {_CLOSE} * abs(ours.{each})) is not true"
            for each in DAYS.get(name, ())
        ]
        on = " and ".join(f"ours.{each} is not distinct from theirs.{each}" for each in key)
        row = duckdb.execute(
            f"select count(*) from '{ours / name}.parquet' as ours full join '{theirs / name}.parquet' as theirs on {on} "
            f"where {' or '.join(unequal)}"
        ).fetchone()
        if row and row[0]:
            found[name] = int(row[0])
    return found


def cells(folder: Path) -> int:
    """How many cells of counts and days an answer has."""
    total = 0
    for name in KEYS:
        row = duckdb.execute(f"select count(*) from '{folder / name}.parquet'").fetchone()
        total += (int(row[0]) if row else 0) * (len(COUNTS[name]) + len(DAYS.get(name, ())))
    return total
