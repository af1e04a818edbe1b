"""An input that reads only rows after its cursor."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from delivery import Inbox

from pipeline.config.configuration import Database
from pipeline.ingest.landing import landing_log, loading
from tests.faults.postgres_inputs import QUERY, TABLE, inbox_of, loads, refused, source
from tests.postgres_server import PostgresDatabase

pytestmark = pytest.mark.usefixtures("pauses")


CHANGES = "create table changes (lead_id text, stage text, entered_at timestamptz, changed {kind}, note text)"


def change(database: PostgresDatabase, lead: str, changed: str | None, note: str = "") -> None:
    value = "null" if changed is None else f"'{changed}'"
    database.do(f"insert into changes values ('{lead}', 'MQL', '2026-01-05 14:00+00', {value}, '{note}')")


def cursors(inbox: Inbox) -> list[tuple[int, str | None, str | None]]:
    return [(load.rows_read, load.cursor_after, load.cursor) for load in loads(inbox)]


class TestCursor:
    @pytest.mark.parametrize(
        ("kind", "values", "cursors_after"),
        [
            (
                "timestamptz",
                ("2026-02-01 10:00:00.000001+02", "2026-02-02 10:00+02"),
                ("2026-02-01 08:00:00.000001", "2026-02-02 08:00:00.000000"),
            ),
            (
                "timestamp",
                ("2026-02-01 10:00", "2026-02-02 10:00"),
                ("2026-02-01 10:00:00.000000", "2026-02-02 10:00:00.000000"),
            ),
            ("date", ("2026-02-01", "2026-02-02"), ("2026-02-01", "2026-02-02")),
            ("bigint", ("-9", "10"), ("-9", "10")),
            ("int", ("9", "10"), ("9", "10")),
        ],
    )
    def test_the_next_run_reads_from_the_highest_value(
        self,
        tmp_path: Path,
        database: PostgresDatabase,
        kind: str,
        values: tuple[str, str],
        cursors_after: tuple[str, str],
    ) -> None:
        """The rows of the highest value, and rows without a value, are read again, so that no row is missed."""
        database.do(CHANGES.format(kind=kind))
        inbox = inbox_of(tmp_path, source("select * from changes", cursor="changed"), timezone="America/New_York")
        inbox.land()
        change(database, "L0", None)
        change(database, "L1", values[0])
        inbox.land()
        change(database, "L2", values[1])
        inbox.land()
        assert [(0, None, None), (2, None, cursors_after[0]), (3, cursors_after[0], cursors_after[1])] == cursors(inbox)
        inbox.land()
        assert (2, cursors_after[1], cursors_after[1]) == cursors(inbox)[3]
        assert 4 == len(cursors(inbox))
        inbox.land()
        assert 4 == len(cursors(inbox))
        assert ["L0", "L1", "L2"] == inbox.leads()
        assert [0, 0, 2, 2] == [load.redelivered for load in loads(inbox)]

    def test_the_window_behind_the_cursor_is_read_again(self, tmp_path: Path, database: PostgresDatabase) -> None:
        database.do(CHANGES.format(kind="timestamptz"))
        database_settings = source("select * from changes", cursor="changed", look_back=timedelta(days=2))
        inbox = inbox_of(tmp_path, database_settings)
        for lead, day in (("old", "2026-02-01"), ("late", "2026-02-08"), ("new", "2026-02-09")):
            change(database, lead, day)
        inbox.land()
        change(database, "later still", "2026-02-07 12:00")
        inbox.land()
        assert ["old", "late", "new", "later still"] == inbox.leads()
        assert [(4, 0), (3, 2)] == [(load.rows_read + (load.load_no == 1), load.redelivered) for load in loads(inbox)]

    def test_a_look_back_of_dates_takes_days(self, tmp_path: Path, database: PostgresDatabase) -> None:
        database.do(CHANGES.format(kind="date"))
        inbox = inbox_of(tmp_path, source("select * from changes", cursor="changed", look_back=timedelta(days=1)))
        change(database, "L1", "2026-02-02")
        inbox.land()
        change(database, "L2", "2026-02-01")
        change(database, "L3", "2026-01-31")
        inbox.land()
        assert ["L1", "L2"] == inbox.leads()

    @pytest.mark.parametrize("kind", ["timestamptz", "timestamp", "date"])
    def test_a_future_time_does_not_move_the_cursor(
        self, tmp_path: Path, database: PostgresDatabase, kind: str
    ) -> None:
        """With a cursor of 9999, no later row would be read."""
        database.do(CHANGES.format(kind=kind))
        inbox = inbox_of(tmp_path, source("select * from changes", cursor="changed"))
        change(database, "never", "9999-12-31")
        change(database, "endless", "infinity")
        change(database, "L1", "2026-02-01 12:00+00")
        inbox.land()
        change(database, "L2", "2026-02-02 12:00+00")
        inbox.land()
        assert ["L1", "L2", "endless", "never"] == sorted(inbox.leads())
        assert ["2026-02-01", "2026-02-02"] == [str(load.cursor)[:10] for load in loads(inbox)]

    def test_a_deleted_row_does_not_move_the_cursor_back(self, tmp_path: Path, database: PostgresDatabase) -> None:
        database.do(CHANGES.format(kind="int"))
        inbox = inbox_of(tmp_path, source("select * from changes", cursor="changed"))
        change(database, "L1", "5")
        inbox.land()
        database.do("delete from changes")
        inbox.land()
        assert [(1, None, "5"), (0, "5", "5")] == cursors(inbox)

    def test_a_forgotten_load_is_read_again(self, tmp_path: Path, database: PostgresDatabase) -> None:
        database.do(CHANGES.format(kind="int"))
        inbox = inbox_of(tmp_path, source("select * from changes", cursor="changed"))
        for number in range(1, 4):
            change(database, f"L{number}", str(number))
            inbox.land()
        log = loading.open_log(inbox.log_folder)
        landing_log.forget_load(log, log.loads[1])
        assert ["L1", "L3"] == inbox.leads()
        inbox.land()
        assert ["L1", "L3", "L2"] == inbox.leads()
        change(database, "L4", "4")
        inbox.land()
        assert ["L1", "L3", "L2", "L4"] == inbox.leads()
        assert ("3", "4") == (loads(inbox)[-1].cursor_after, loads(inbox)[-1].cursor)

    def test_a_cursor_of_another_type_starts_again(self, tmp_path: Path, database: PostgresDatabase) -> None:
        database.do(CHANGES.format(kind="int"))
        inbox = inbox_of(tmp_path, source("select * from changes", cursor="changed"))
        change(database, "L1", "5")
        inbox.land()
        database.do("alter table changes alter changed type timestamptz using timestamptz '2026-01-01 00:00+00'")
        inbox.land()
        assert (1, "2026-01-01 00:00:00.000000") == (loads(inbox)[-1].rows_read, loads(inbox)[-1].cursor)

    def test_a_read_that_may_not_count_does_not_move_the_cursor(
        self, tmp_path: Path, database: PostgresDatabase
    ) -> None:
        database.do(CHANGES.format(kind="int") + "; insert into changes select null, 'MQL', now(), g from "
                    "generate_series(1, 30) as g")  # fmt: skip
        inbox = inbox_of(tmp_path, source("select * from changes", cursor="changed"))
        assert inbox.land(accept_rejects=False).rejected
        database.do("update changes set lead_id = 'L' || changed")
        (load,) = inbox.land(accept_rejects=False).loads
        assert (30, None, "30") == (load.rows_read, load.cursor_after, load.cursor)

    @pytest.mark.parametrize(
        ("database_settings", "reason"),
        [
            (
                source(cursor="modified"),
                "the cursor `modified` is no column of the query; it has `lead_id`, `stage`, `entered_at`, `updated_at`, "
                "`owner`",
            ),
            (source(cursor="owner"), "the cursor `owner` is neither a time, a date nor a whole number"),
            (
                source(f"select *, 1 as n from ({QUERY}) as h", cursor="n", look_back=timedelta(days=1)),
                "look_back is a length of time, and the cursor `n` is a number",
            ),
        ],
    )
    def test_a_cursor_that_does_not_fit_is_refused(
        self, tmp_path: Path, database: PostgresDatabase, database_settings: Database, reason: str
    ) -> None:
        database.do(TABLE)
        refusal = refused(inbox_of(tmp_path, database_settings))
        assert ("query-2026-04-01", reason) == (refusal.file, refusal.reason)
