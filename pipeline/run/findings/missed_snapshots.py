"""Finds missing snapshots. The changes of a missing day get the date of the next snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import duckdb

MAX_DATES_SHOWN = 5


def missing(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return one sentence per snapshot input with missing snapshots. Reads quality.stage_snapshots."""
    rows = connection.execute(
        "select input, missed_dates, days_late from quality.stage_snapshots where missed > 0 order by input"
    ).fetchall()
    return [f"{name}: {_sentence(dates, days_late)}" for name, dates, days_late in rows]


def _sentence(dates: Sequence[date], days_late: int) -> str:
    nights = "1 night" if len(dates) == 1 else f"{len(dates):,} nights"
    shown = ", ".join(each.isoformat() for each in dates[:MAX_DATES_SHOWN])
    more = ", …" if len(dates) > MAX_DATES_SHOWN else ""
    days = "1 day" if days_late == 1 else f"{days_late:,} days"
    return (
        f"no snapshot of {nights} ({shown}{more}): changes of {'that night' if len(dates) == 1 else 'those nights'} have the "
        f"date of the next snapshot, up to {days} late; a snapshot that is put there later is sorted in by its date"
    )
