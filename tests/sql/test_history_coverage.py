"""When the history of an input looks cut, from when on it is complete, and what the run says of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from pipeline.run import findings
from pipeline.transform.checks import run_checks
from tests.sql import made_up
from tests.sql.harness import built, project, records

TABLES = ("quality.history_coverage", "quality.period_coverage")
SYNC, NEXT = date(2025, 3, 5), date(2025, 3, 6)
Entry = tuple[str, str, str, date]
"""(input, lead, stage, day)"""


def began(day: date, leads: int, name: str = "crm", stage: str = "MQL") -> list[Entry]:
    """So many leads whose first entry of the input is on the day."""
    return [(name, f"{name}-{day}-{number}", stage, day) for number in range(leads)]


def models(
    folder: Path, entries: Iterable[Entry], hour: int = 9, zone: str = "UTC", **more: list[dict[str, Any]]
) -> duckdb.DuckDBPyConnection:
    """The models over entries at the hour (UTC) of their day."""
    entries = list(entries)
    names = tuple(dict.fromkeys(name for name, *_ in entries))
    rows = [
        {
            "input": name, "load_no": 1 + names.index(name), "row_number": number, "lead_id": lead, "stage": stage,
            "entered_at": datetime(day.year, day.month, day.day, hour),
        }
        for number, (name, lead, stage, day) in enumerate(entries, 1)
    ]  # fmt: skip
    waterfall = replace(made_up.waterfall(folder), timezone=zone)
    connection = built(
        waterfall, made_up.AS_OF, {"stage_entries": rows, **more}, inputs=names or ("crm",), tables=TABLES
    )
    ours = tuple(model for model in project().models if str(model.table) in TABLES)
    assert [] == [outcome for outcome in run_checks(connection, ours, ()) if not outcome.holds]
    return connection


def complete_from(folder: Path, entries: Iterable[Entry], **more: Any) -> list[date | None]:
    """From when each input is complete, by the name of the input; None where nothing looks cut."""
    rows = records(models(folder, entries, **more), "select * from quality.history_coverage order by input")
    assert all(row["is_cut"] == (row["complete_from"] is not None) for row in rows)
    return [row["complete_from"] for row in rows]


def people(entries: Iterable[Entry], created_at: datetime) -> list[dict[str, Any]]:
    """Records of the leads, all created at one moment."""
    return [
        {"input": "people", "load_no": 9, "row_number": number, "lead_id": lead, "created_at": created_at}
        for number, (_, lead, _, _) in enumerate(entries, 1)
    ]


def test_most_leads_begin_on_one_day(tmp_path: Path) -> None:
    """More than half of the leads begin on the day: the history is complete from the next day. Exactly half is no cut."""
    later = began(date(2025, 4, 1), 20)
    assert [NEXT] == complete_from(tmp_path, began(SYNC, 21) + later)
    assert [None] == complete_from(tmp_path, began(SYNC, 20) + later)


def test_fewer_than_twenty_leads_say_nothing(tmp_path: Path) -> None:
    """18 of 19 leads begin on the day; the 20th lead makes them enough."""
    few = began(SYNC, 18) + began(date(2025, 4, 1), 1)
    assert [None] == complete_from(tmp_path, few)
    assert [NEXT] == complete_from(tmp_path, few + began(date(2025, 4, 2), 1))


def test_an_import_in_the_middle_is_no_cut(tmp_path: Path) -> None:
    """One of twenty leads may begin earlier, two are a history that goes on."""
    assert [NEXT] == complete_from(tmp_path, began(date(2025, 1, 1), 1) + began(SYNC, 18) + began(NEXT, 1))
    assert [None] == complete_from(tmp_path, began(date(2025, 1, 1), 2) + began(SYNC, 18))


def test_of_two_days_with_as_many_leads_the_first_is_named(tmp_path: Path) -> None:
    """The day with most leads is one, whatever the order of the rows."""
    connection = models(tmp_path, began(NEXT, 3) + began(SYNC, 3) + began(date(2025, 4, 1), 2))
    assert [{"bulk_date": SYNC, "bulk_leads": 3}] == records(
        connection, "select bulk_date, bulk_leads from quality.history_coverage"
    )


def test_a_sync_over_midnight_is_one_sync(tmp_path: Path) -> None:
    """Leads of the evening before are no earlier history; those of two days before are."""
    sync = began(SYNC, 30) + began(date(2025, 4, 1), 1)
    assert [NEXT] == complete_from(tmp_path, began(SYNC - timedelta(days=1), 20) + sync)
    assert [None] == complete_from(tmp_path, began(SYNC - timedelta(days=2), 20) + sync)


def test_a_history_of_one_day_has_nothing_after_it(tmp_path: Path) -> None:
    """The first copy alone is no cut; the first later move makes it one."""
    first = began(SYNC, 30)
    assert [None] == complete_from(tmp_path, first)
    assert [NEXT] == complete_from(tmp_path, [*first, ("crm", first[0][1], "SAL", NEXT)])


def test_leads_created_within_a_day_before_are_new(tmp_path: Path) -> None:
    """An import of new leads has their whole history. A record from the day before says that they are old."""
    entries = began(SYNC, 30) + began(date(2025, 4, 1), 5)
    new, old = datetime(2025, 3, 4, 9, 0, 1), datetime(2025, 3, 4, 9)
    assert [None] == complete_from(tmp_path, entries, leads=people(entries[:30], new))
    assert [NEXT] == complete_from(tmp_path, entries, leads=people(entries[:30], old))
    assert [None] == complete_from(tmp_path, entries, leads=people(entries[:13], new))
    assert [NEXT] == complete_from(tmp_path, entries, leads=people(entries[:12], new))


def test_a_lead_counts_where_its_first_entry_is(tmp_path: Path) -> None:
    """The leads of a new system that an older one had before begin there, so that nothing is cut."""
    sync = began(SYNC, 30, "new") + began(date(2025, 4, 1), 5, "new")
    older = [
        ("old", lead, "MEL", date(2025, 1, 1) + timedelta(days=number)) for number, (_, lead, *_) in enumerate(sync)
    ]
    assert [NEXT] == complete_from(tmp_path, sync)
    assert [None, None] == complete_from(tmp_path, [*sync, *older])


def test_an_input_of_few_leads_says_nothing_of_all(tmp_path: Path) -> None:
    """Below 5 % of all leads an input does not decide from when cohorts are complete."""
    small = [*began(SYNC, 20, "small"), ("small", f"small-{SYNC}-0", "SAL", NEXT)]
    large = [entry for day in range(19) for entry in began(date(2025, 1, 1) + timedelta(days=day), 20, "large")]
    assert [None, NEXT] == complete_from(tmp_path, small + large)
    assert [None, None] == complete_from(tmp_path, [*small, *large, *began(date(2025, 2, 1), 1, "large")])


def test_the_day_is_that_of_the_zone(tmp_path: Path) -> None:
    """At 20:00 UTC it is the next day in Tokyo."""
    entries = began(SYNC, 30) + began(date(2025, 4, 1), 1)
    assert [NEXT] == complete_from(tmp_path, entries, hour=20)
    assert [NEXT + timedelta(days=1)] == complete_from(tmp_path, entries, hour=20, zone="Asia/Tokyo")


def test_the_latest_input_decides_for_all_cohorts(tmp_path: Path) -> None:
    """Two inputs are cut: periods that have a day before the later of the two are marked."""
    entries = began(SYNC, 30, "one") + began(date(2025, 4, 1), 1, "one")
    entries += began(date(2025, 5, 5), 30, "two") + began(date(2025, 6, 1), 1, "two")
    connection = models(tmp_path, entries)
    assert records(
        connection,
        "select grain, max(period_start) as last, any_value(complete_from) as complete_from from quality.period_coverage "
        "where is_before_coverage group by grain order by grain",
    ) == [
        {"grain": grain, "last": last, "complete_from": date(2025, 5, 6)}
        for grain, last in (
            ("all", None),
            ("day", date(2025, 5, 5)),
            ("month", date(2025, 5, 1)),
            ("quarter", date(2025, 4, 1)),
            ("week", date(2025, 5, 5)),
            ("year", date(2025, 1, 1)),
        )
    ]
    said = findings.cut_history(connection)
    assert ["one: 30 of 31 leads have", "two: 30 of 31 leads have"] == [each[:24] for each in said]
    assert "It is complete from 2025-03-06" in said[0]


def test_without_history_nothing_is_reported(tmp_path: Path) -> None:
    """An input that delivered nothing has a row of zeros."""
    connection = models(tmp_path, [])
    assert records(connection, "from quality.history_coverage") == [
        {
            "input": "crm", "leads": 0, "first_date": None, "last_date": None, "bulk_date": None, "bulk_leads": 0,
            "new_leads": 0, "earlier_leads": 0, "is_cut": False, "complete_from": None,
        }
    ]  # fmt: skip
    assert findings.cut_history(connection) == []
