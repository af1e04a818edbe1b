"""Which snapshots are missing, and what the run says of them (quality.stage_snapshots); late ones narrow the gap."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from pipeline.run import findings
from tests.sql import made_up
from tests.sql.harness import built, records

FIRST = date(2025, 1, 1)
"""A Wednesday."""
WEEKDAYS = tuple(number for number in range(28) if (FIRST + timedelta(days=number)).isoweekday() < 6)


def rows(*days: float, first_load: int = 1) -> list[dict[str, object]]:
    """A snapshot of one lead on each of these days after the first of January, a load each."""
    return [
        {
            "input": "copies",
            "load_no": load_no,
            "row_number": 1,
            "lead_id": "L1",
            "stage": "MQL",
            "entered_at": datetime(2025, 1, 1) + timedelta(days=day),
        }
        for load_no, day in enumerate(days, first_load)
    ]


def models(folder: Path, *days: float, as_of: datetime = made_up.AS_OF) -> duckdb.DuckDBPyConnection:
    """quality.stage_snapshots, and what it reads, over these snapshots and an input that gives none."""
    return built(
        made_up.waterfall(folder),
        as_of,
        {"stage_entries": rows(*days)},
        inputs=("copies", "crm"),
        input_settings={"copies": {"format": "stage_snapshots"}},
        tables=("quality.stage_snapshots",),
    )


@pytest.mark.parametrize(
    ("days", "usual_days", "missed", "days_late"),
    [
        ((), None, [], 0),
        ((3,), None, [], 0),
        ((0, 2), 2, [], 0),
        ((0, 1, 4), 1, [3, 2], 2),
        ((0, 1, 3, 4, 7), 1, [6, 5, 2], 2),
        ((0, 7, 15, 21, 35), 7, [28], 7),
        (WEEKDAYS, 1, [], 0),
        (tuple(day for day in WEEKDAYS if day != 12), 1, [12], 1),
        (tuple(day for day in WEEKDAYS if day not in (9, 12)), 1, [12, 9], 4),
        ((0, 0.25, 0.5, 1.25, 3.75), 1, [2], 1),
        ((0, 31, 59, 90, 151), 31, [121], 30),
    ],
    ids=[
        "none",
        "one",
        "two",
        "nightly",
        "twice",
        "weekly",
        "weekdays",
        "a Monday",
        "a Friday and a Monday",
        "hours",
        "monthly",
    ],
)
def test_missing_snapshots(
    tmp_path: Path, days: tuple[float, ...], usual_days: int | None, missed: list[int], days_late: int
) -> None:
    """Where more time than usual lies between two; of a schedule without weekends no weekend is missing."""
    connection = models(tmp_path, *days)
    dates = sorted({FIRST + timedelta(days=int(day)) for day in days})
    assert records(connection, "from quality.stage_snapshots") == [
        {
            "input": "copies",
            "snapshots": len(dates),
            "first_date": dates[0] if dates else None,
            "last_date": dates[-1] if dates else None,
            "usual_days": usual_days,
            "missed": len(missed),
            "missed_dates": [FIRST + timedelta(days=day) for day in missed],
            "days_late": days_late,
        }
    ]


def test_what_the_run_says_of_missing_snapshots(tmp_path: Path) -> None:
    """Their number and dates, the newest ones first, and by how much changes may be dated too late."""
    (one,) = findings.missed_snapshots(models(tmp_path, 0, 1, 2, 4))
    assert one == (
        "copies: no snapshot of 1 night (2025-01-04): changes of that night have the date of the next snapshot, up to 1 day "
        "late; a snapshot that is put there later is sorted in by its date"
    )
    (many,) = findings.missed_snapshots(models(tmp_path, 0, 1, 2, 10))
    assert many.startswith(
        "copies: no snapshot of 7 nights (2025-01-10, 2025-01-09, 2025-01-08, 2025-01-07, 2025-01-06, …): changes of those "
        "nights have the date of the next snapshot, up to 7 days late"
    )
    assert findings.missed_snapshots(models(tmp_path, 0, 1, 2)) == []


def test_a_snapshot_after_as_of_does_not_count(tmp_path: Path) -> None:
    """It has not happened yet, and so nothing is missing before it."""
    as_of = datetime(2025, 1, 3, 12).replace(tzinfo=made_up.AS_OF.tzinfo)
    connection = models(tmp_path, 0, 1, 2, 4, as_of=as_of)
    found = records(connection, "select snapshots, last_date, missed from quality.stage_snapshots")
    assert found == [{"snapshots": 3, "last_date": date(2025, 1, 3), "missed": 0}]
