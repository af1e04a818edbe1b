"""An input that reads Postgres: the same log and the same accounting as a file; docs/FAULTS.md, 102.

Against a real server (tests/postgres_server.py) with odd settings.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from delivery import CLOCK, HEADER, Inbox, entry

from pipeline.config.configuration import Database, Input
from pipeline.ingest.files.find import find
from pipeline.ingest.landing import databases, landing_log, loading
from pipeline.ingest.landing.landing_log import Load
from pipeline.ingest.landing.loading import RefusedFile
from pipeline.ingest.readers import postgres as postgres_inputs
from pipeline.ingest.readers import postgres_failures
from tests.postgres_server import PASSWORD, USER, VARIABLE, Postgres, PostgresDatabase

QUERY = "select * from stage_history"
TABLE = """
create table stage_history (lead_id text, stage text, entered_at timestamptz, updated_at timestamptz, owner text);
insert into stage_history values
 ('L1', 'MQL', '2026-01-05 14:00+00', '2026-01-05 14:00+00', 'dana'),
 ('L2', 'MQL', '2026-01-06 14:00+00', '2026-01-06 14:00+00', 'dana'),
 ('L2', 'SAL', '2026-01-07 14:00+00', '2026-01-07 14:00+00', null);
"""


def source(query: str = QUERY, **more: Any) -> Database:
    return Database("postgres", VARIABLE, query, **more)


def inbox_of(folder: Path, asked: Database | None = None, table: Any = "stage_entries", **settings: Any) -> Inbox:
    """An inbox with one input, which reads the database."""
    given = Input("warehouse", table, folder, database=asked or source(), **settings)
    return Inbox(folder, (given,))


def again(inbox: Inbox, asked: Database, **settings: Any) -> None:
    """From now on the input is read so."""
    inbox.inputs = (replace(inbox.inputs[0], database=asked, **settings),)


def loads(inbox: Inbox) -> tuple[Load, ...]:
    return loading.open_log(inbox.log_folder).loads


def refused(inbox: Inbox) -> RefusedFile:
    """The one refusal; nothing of the read is in the log, and another input is read all the same."""
    before = len(loads(inbox)) if inbox.log_folder.exists() else 0
    inbox.put("good.csv", HEADER + entry("G1"))
    inbox.reads("good.csv", name="good")
    outcome = inbox.land()
    assert (["good"], before + 1) == ([load.input for load in outcome.loads], len(loads(inbox)))
    (found,) = outcome.refused
    assert PASSWORD not in str(found)
    return found


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between tries, which no test waits for."""
    waited: list[float] = []
    monkeypatch.setattr(databases, "time", SimpleNamespace(sleep=waited.append))
    return waited


class TestLanding:
    def test_the_rows_of_a_query_are_a_load_like_that_of_a_file(
        self, tmp_path: Path, database: PostgresDatabase
    ) -> None:
        database.do(TABLE + "insert into stage_history values (null, 'MQL', now(), now(), 'x'), ('L1', 'MQL', "
                    "'2026-01-05 14:00+00', '2026-01-05 14:00+00', 'dana');")  # fmt: skip
        inbox = inbox_of(tmp_path)
        (load,) = inbox.land().loads
        assert ("query-2026-04-01", 5, {"no_lead": 1}, 0, 4) == (
            load.file_name,
            load.rows_read,
            load.rejected,
            load.duplicates,
            load.landed,
        )
        assert ["L1", "L2", "L2", "L1"] == inbox.leads()
        ((number, reason, original),) = inbox.rejected()
        assert (4, "no_lead", {"stage": "MQL", "owner": "x", "lead_id": None}) == (
            number,
            reason,
            {key: value for key, value in json.loads(original).items() if key in ("stage", "owner", "lead_id")},
        )
        assert not [path for path in inbox.folder.rglob("*") if path.name.startswith("query-")]

    def test_an_empty_result_is_a_load_of_no_rows(self, tmp_path: Path, database: PostgresDatabase) -> None:
        database.do(TABLE)
        (load,) = inbox_of(tmp_path, source(f"{QUERY} where false -- nothing")).land().loads
        assert (0, 0) == (load.rows_read, load.landed)

    def test_several_inputs_read_one_database(self, tmp_path: Path, database: PostgresDatabase) -> None:
        database.do(TABLE + "create table leads as select distinct lead_id, 'web' as origin from stage_history")
        inbox = inbox_of(tmp_path)
        leads = Input("people", "leads", tmp_path, database=source("select * from leads"))
        inbox.inputs = (*inbox.inputs, leads)
        assert [("warehouse", 3), ("people", 2)] == [(load.input, load.landed) for load in inbox.land().loads]

    def test_a_dry_run_reads_and_writes_nothing(self, tmp_path: Path, database: PostgresDatabase) -> None:
        database.do(TABLE)
        inbox = inbox_of(tmp_path)
        assert [3] == [load.landed for load in inbox.land(dry_run=True).loads]
        assert not inbox.log_folder.exists()

    def test_nothing_is_written_in_the_database(self, tmp_path: Path, database: PostgresDatabase) -> None:
        database.do(TABLE + "create sequence counter;")
        found = refused(inbox_of(tmp_path, source(f"select *, nextval('counter') as n from ({QUERY}) as h")))
        assert "the query failed while it ran" == found.reason

    def test_the_same_content_is_known_in_any_order(self, tmp_path: Path, database: PostgresDatabase) -> None:
        database.do(TABLE)
        inbox = inbox_of(tmp_path, source(f"{QUERY} order by lead_id, stage"))
        inbox.land()
        database.do("create table turned as select * from stage_history order by entered_at desc; "
                    "drop table stage_history; alter table turned rename to stage_history;")  # fmt: skip
        outcome = inbox.land(clock=CLOCK + timedelta(days=1))
        assert ((), ("query-2026-04-02",)) == (outcome.loads, outcome.already_loaded)
        inbox_again = inbox_of(tmp_path / "other")
        inbox_again.land()
        assert loads(inbox)[0].sha256 == loads(inbox_again)[0].sha256
        database.do("insert into stage_history select * from stage_history where lead_id = 'L1'")
        assert [(4, 0, 4, 0)] == [
            (load.rows_read, load.landed, load.redelivered, load.duplicates) for load in inbox.land().loads
        ]

    def test_a_keyed_table_may_go_back_to_what_it_was(self, tmp_path: Path, database: PostgresDatabase) -> None:
        database.do("create table leads (lead_id text, origin text); insert into leads values ('L1', 'web')")
        inbox = inbox_of(tmp_path, source("select * from leads"), "leads")
        for day, origin in enumerate(("web", "event", "web")):
            database.do(f"update leads set origin = '{origin}'")
            inbox.land(clock=CLOCK + timedelta(days=day))
        latest = "select origin from raw.leads order by load_no desc limit 1"
        assert ([("web",)], 3) == (inbox.rows(latest), len(loads(inbox)))

    def test_the_day_in_the_name_is_that_of_the_waterfall(self, tmp_path: Path, database: PostgresDatabase) -> None:
        database.do(TABLE)
        inbox = inbox_of(tmp_path)
        inbox.timezone = "Pacific/Auckland"
        (load,) = inbox.land(clock=CLOCK + timedelta(hours=12)).loads
        assert "query-2026-04-02" == load.file_name

    def test_another_query_reads_everything_again_and_the_old_loads_no_longer_count(
        self, tmp_path: Path, database: PostgresDatabase
    ) -> None:
        database.do(TABLE)
        inbox = inbox_of(tmp_path, source(cursor="updated_at"))
        inbox.land()
        database.do("insert into stage_history values ('L9', 'MQL', '2026-02-01', '2026-02-01', 'ann')")
        inbox.land()
        again(inbox, source(f"{QUERY} where lead_id <> 'L1'", cursor="updated_at"))
        outcome = inbox.land()
        (load,) = outcome.loads
        assert ((1, 2), None, 3) == (load.supersedes, load.cursor_after, load.landed)
        assert ["L2", "L2", "L9"] == inbox.leads()
        (warning,) = outcome.warnings
        assert "2 loads that were read before no longer count" in warning
        again(inbox, source(f"{QUERY} where lead_id <> 'L1'", cursor="updated_at"), timezone="Asia/Tokyo")
        assert [(3,)] == [load.supersedes for load in inbox.land().loads]
        assert "1 load that was read before" in loads(inbox)[-1].warnings[0]

    def test_files_of_the_same_input_still_count(self, tmp_path: Path, database: PostgresDatabase) -> None:
        database.do(TABLE)
        inbox = Inbox(tmp_path)
        inbox.put("history.csv", HEADER + entry("L0"))
        inbox.reads("history.csv", name="warehouse")
        inbox.land()
        again(inbox, source())
        assert [()] == [load.supersedes for load in inbox.land().loads]
        assert ["L0", "L1", "L2", "L2"] == inbox.leads()

    def test_a_result_of_many_batches_is_whole(self, tmp_path: Path, database: PostgresDatabase) -> None:
        query = (
            "select 'L' || g as lead_id, 'MQL' as stage, timestamptz '2026-01-05 14:00+00' + g * interval '1 second' as "
            "entered_at, repeat(md5(g::text), 20) as note, g as sequence from generate_series(1, 60000) as g"
        )
        inbox = inbox_of(tmp_path, source(query, cursor="sequence"))
        (load,) = inbox.land().loads
        assert (60_000, 60_000, "60000") == (load.rows_read, load.landed, load.cursor)


VALUES = {
    "numeric '1234567890123456789012.5000'": "1234567890123456789012.5000",
    "bigint '9007199254740993'": "9007199254740993",
    "float8 '1234567890123456'": "1234567890123456",
    "float8 '0.1'": "0.1",
    "float4 '101'": "101",
    "float8 'NaN'": None,
    "float8 'Infinity'": "Infinity",
    "true": "true",
    "uuid '7B4B6F5E-0000-0000-0000-000000000001'": "7b4b6f5e-0000-0000-0000-000000000001",
    'json \'{"b": 1,  "a": [1.50]}\'': '{"b": 1,  "a": [1.50]}',
    'jsonb \'{"b": 1,  "a": [1.50]}\'': '{"a": [1.50], "b": 1}',
    "array['x', 'y, z', null]": '{x,"y, z",NULL}',
    "array[array[1, 2], array[3, 4]]": "{{1,2},{3,4}}",
    "date '2026-03-01'": "2026-03-01",
    "time '09:30'": "09:30:00",
    "timetz '09:30+02'": "09:30:00+02",
    "timestamp '2026-03-01 09:30:00.250'": "2026-03-01 09:30:00.25",
    "timestamptz '2026-03-01 09:30+02'": "2026-03-01 07:30:00+00",
    "timestamptz 'infinity'": "infinity+00",
    "interval '1 day 2 hours'": "1 day 02:00:00",
    "char(5) 'ab'": "ab",
    "'\\xdeadbeef'::bytea": "\\xdeadbeef",
    "inet '10.0.0.1/8'": "10.0.0.1/8",
    "'Größe 😀'": "Größe 😀",
    "null::int": None,
    "row(1, 'a')": "(1,a)",
    "mood 'happy'": "happy",
    "money '12.50'": "$12.50",
}


def test_an_input_of_a_database_has_no_files(tmp_path: Path) -> None:
    """Not those that lie in the folder of the configuration, either."""
    inbox = inbox_of(tmp_path)
    inbox.put("history.csv", HEADER)
    assert () == find(inbox.inputs[0])


class TestValues:
    def test_every_type_arrives_as_the_text_that_a_person_expects(
        self, tmp_path: Path, database: PostgresDatabase
    ) -> None:
        database.do("create type mood as enum ('happy', 'sad'); ")
        cells = ", ".join(f"{sql} as v{number}" for number, sql in enumerate(VALUES))
        inbox = inbox_of(
            tmp_path, source(f"select 'L1' as lead_id, 'MQL' as stage, date '2026-01-05' as entered_at, {cells}")
        )
        inbox.land()
        columns = ", ".join(f"v{number}" for number in range(len(VALUES)))
        (row,) = inbox.rows(f"select {columns} from raw.stage_entries")
        assert list(VALUES.items()) == list(zip(VALUES, row, strict=True))

    def test_odd_names_of_columns_are_kept(self, tmp_path: Path, database: PostgresDatabase) -> None:
        query = (
            'select \'L1\' as "Lead ""ID""", \'MQL\' as "Stage", date \'2026-01-05\' as "Entered at", 1 as "?column?"'
        )
        inbox = inbox_of(tmp_path, source(query), columns={"lead_id": 'Lead "ID"'})
        (load,) = inbox.land().loads
        assert ('Lead "ID"', "Stage", "Entered at", "?column?") == load.header
        assert ["L1"] == inbox.leads()

    def test_a_database_in_another_encoding_is_read(self, tmp_path: Path, postgres: Postgres, monkeypatch: Any) -> None:
        found = postgres.database("encoding 'LATIN1' locale 'C' template template0")
        monkeypatch.setenv(VARIABLE, found.dsn)
        found.do(TABLE + "update stage_history set owner = 'M' || chr(252) || 'ller'")
        inbox = inbox_of(tmp_path)
        inbox.land()
        assert [("Müller",)] == inbox.rows("select distinct owner from raw.stage_entries")

    def test_text_of_an_unknown_encoding_is_refused_and_its_remedy_works(
        self, tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = postgres.database("encoding 'SQL_ASCII' locale 'C' template template0")
        monkeypatch.setenv(VARIABLE, found.dsn)
        found.do(TABLE + "update stage_history set owner = 'M' || chr(252) || 'ller'")
        inbox = inbox_of(tmp_path)
        said = refused(inbox)
        assert "the database holds text that is not UTF-8" in said.reason
        remedy = said.next_step.partition(": ")[2].replace("name", "owner")
        inbox.inputs = inbox_of(
            tmp_path, source(f"select lead_id, stage, entered_at, {remedy} from stage_history")
        ).inputs
        inbox.land()
        assert [("Müller",)] == inbox.rows("select distinct owner from raw.stage_entries where lead_id <> 'G1'")

    def test_instants_are_utc_and_naive_times_of_the_inputs_zone_wherever_the_server_is(
        self, tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The session has the input's zone, so that an instant that the query makes naive is read as what it was."""
        found = postgres.database()
        monkeypatch.setenv(VARIABLE, found.dsn)
        found.do(f"alter database {found.name} set timezone = 'Australia/Sydney'")
        query = """
            select lead_id, 'MQL' as stage, entered_at::text from (values
                ('instant', (timestamptz '2026-01-05 14:00+00')::text),
                ('naive', (timestamp '2026-01-05 09:00')::text),
                ('made naive', (timestamptz '2026-01-05 14:00+00')::timestamp::text),
                ('day', (timestamptz '2026-01-05 02:00+00')::date::text)) as v (lead_id, entered_at)"""
        inbox = inbox_of(tmp_path, source(query), timezone="America/New_York")
        inbox.land()
        assert [
            ("day", "2026-01-04 05:00:00"),
            ("instant", "2026-01-05 14:00:00"),
            ("made naive", "2026-01-05 14:00:00"),
            ("naive", "2026-01-05 14:00:00"),
        ] == inbox.rows("select lead_id, entered_at::varchar from raw.stage_entries order by 1")

    @pytest.mark.parametrize("kind", ["timestamptz", "timestamp", "date", "text"])
    def test_times_are_read_by_their_type_or_by_the_format_of_the_input(
        self, tmp_path: Path, database: PostgresDatabase, kind: str
    ) -> None:
        """A time of Postgres is ISO 8601 whatever the format of texts is."""
        value = "'01/05/2026 14:00'::text" if kind == "text" else f"'2026-01-05 14:00'::{kind}"
        query = f"select 'L1' as lead_id, 'MQL' as stage, {value} as entered_at"
        inbox = inbox_of(tmp_path, source(query), time_format="%m/%d/%Y %H:%M")
        (load,) = inbox.land().loads
        assert {} == load.rejected
        assert [("2026-01-05",)] == inbox.rows("select entered_at::date::varchar from raw.stage_entries")

    def test_an_infinite_time_is_rejected_with_its_text(self, tmp_path: Path, database: PostgresDatabase) -> None:
        inbox = inbox_of(
            tmp_path, source("select 'L1' as lead_id, 'MQL' as stage, timestamptz 'infinity' as entered_at")
        )
        inbox.land()
        ((_, reason, original),) = inbox.rejected()
        assert ("unreadable_time", True) == (reason, '"infinity+00"' in original)


CHANGES = "create table changes (lead_id text, stage text, entered_at timestamptz, changed {kind}, note text)"


def change(database: PostgresDatabase, lead: str, changed: str | None, note: str = "") -> None:
    value = "null" if changed is None else f"'{changed}'"
    database.do(f"insert into changes values ('{lead}', 'MQL', '2026-01-05 14:00+00', {value}, '{note}')")


def cursors(inbox: Inbox) -> list[tuple[int, str | None, str | None]]:
    return [(load.rows_read, load.cursor_after, load.cursor) for load in loads(inbox)]


class TestCursor:
    @pytest.mark.parametrize(
        ("kind", "values", "kept"),
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
    def test_the_next_run_reads_from_the_highest_value_on(
        self, tmp_path: Path, database: PostgresDatabase, kind: str, values: tuple[str, str], kept: tuple[str, str]
    ) -> None:
        """The rows of the highest value come again, and those without a value each time: nothing is missed."""
        database.do(CHANGES.format(kind=kind))
        inbox = inbox_of(tmp_path, source("select * from changes", cursor="changed"), timezone="America/New_York")
        inbox.land()
        change(database, "L0", None)
        change(database, "L1", values[0])
        inbox.land()
        change(database, "L2", values[1])
        inbox.land()
        assert [(0, None, None), (2, None, kept[0]), (3, kept[0], kept[1])] == cursors(inbox)
        inbox.land()
        assert (2, kept[1], kept[1]) == cursors(inbox)[3]
        assert 4 == len(cursors(inbox))
        inbox.land()
        assert 4 == len(cursors(inbox))
        assert ["L0", "L1", "L2"] == inbox.leads()
        assert [0, 0, 2, 2] == [load.redelivered for load in loads(inbox)]

    def test_the_window_behind_the_cursor_is_read_again(self, tmp_path: Path, database: PostgresDatabase) -> None:
        database.do(CHANGES.format(kind="timestamptz"))
        asked = source("select * from changes", cursor="changed", look_back=timedelta(days=2))
        inbox = inbox_of(tmp_path, asked)
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
    def test_a_time_to_come_does_not_move_the_cursor(
        self, tmp_path: Path, database: PostgresDatabase, kind: str
    ) -> None:
        """A row dated 9999 would hide all that comes after it."""
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

    def test_a_row_that_went_away_does_not_move_the_cursor_back(
        self, tmp_path: Path, database: PostgresDatabase
    ) -> None:
        database.do(CHANGES.format(kind="int"))
        inbox = inbox_of(tmp_path, source("select * from changes", cursor="changed"))
        change(database, "L1", "5")
        inbox.land()
        database.do("delete from changes")
        inbox.land()
        assert [(1, None, "5"), (0, "5", "5")] == cursors(inbox)

    def test_what_was_forgotten_is_read_again(self, tmp_path: Path, database: PostgresDatabase) -> None:
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

    def test_a_cursor_of_another_type_begins_again(self, tmp_path: Path, database: PostgresDatabase) -> None:
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
        ("asked", "reason"),
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
        self, tmp_path: Path, database: PostgresDatabase, asked: Database, reason: str
    ) -> None:
        database.do(TABLE)
        found = refused(inbox_of(tmp_path, asked))
        assert ("query-2026-04-01", reason) == (found.file, found.reason)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port where somebody listens and never says a word."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def fresh_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


class TestFaults:
    """docs/FAULTS.md, 102: nothing of a failed read is landed, the other inputs go on, the password is in no message."""

    @pytest.mark.parametrize("content", [None, "", "  "])
    def test_an_unset_variable(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None) -> None:
        """F102."""
        monkeypatch.delenv(VARIABLE, raising=False)
        if content is not None:
            monkeypatch.setenv(VARIABLE, content)
        found = refused(inbox_of(tmp_path))
        assert (
            "warehouse: FUNNEL_PG_DSN: this environment variable is not set\n  next: set it where the run starts: export "
            "FUNNEL_PG_DSN=postgresql://user:password@host:5432/database"
        ) == str(found)

    def test_a_server_that_is_down_is_tried_three_times(
        self, tmp_path: Path, database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
    ) -> None:
        """F102."""
        monkeypatch.setenv(VARIABLE, database.address(port=fresh_port()))
        inbox = inbox_of(tmp_path)
        found = refused(inbox)
        assert (VARIABLE, "the server is down, or does not listen at that address") == (found.file, found.reason)
        assert [2, 10] == pauses
        assert [
            "warehouse: the server is down, or does not listen at that address; try 2 of 3 in 2 s",
            "warehouse: the server is down, or does not listen at that address; try 3 of 3 in 10 s",
        ] == inbox.said[:2]

    def test_a_server_that_comes_back_is_read(
        self, tmp_path: Path, database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """F102."""
        database.do(TABLE)
        monkeypatch.setenv(VARIABLE, database.address(port=fresh_port()))
        real, tries = postgres_inputs.read, []

        def read(dsn: str, *given: Any) -> Any:
            tries.append(dsn)
            return real(dsn if len(tries) == 1 else database.dsn, *given)

        monkeypatch.setattr(postgres_inputs, "read", read)
        assert [(3, 2)] == [(load.landed, len(tries)) for load in inbox_of(tmp_path).land().loads]

    @pytest.mark.parametrize(
        ("other", "reason"),
        [
            ({"password": "wr0ng-w0rd"}, "the server refused the login"),
            ({"password": ""}, "the server refused the login"),
            ({"user": "nobody"}, "the server refused the login"),
            ({"dbname": "nowhere"}, "the server has no database of that name"),
            ({"sslmode": "require"}, "the server and this machine do not agree on encryption"),
            ({"port": "abc"}, "the connection string in this variable can't be read"),
            ({"s3cret": PASSWORD}, "the connection string in this variable can't be read"),
            ({"connect_timeout": "soon"}, "the connection string in this variable can't be read"),
        ],
    )
    def test_what_the_server_refuses_is_not_tried_again(
        self,
        tmp_path: Path,
        database: PostgresDatabase,
        monkeypatch: pytest.MonkeyPatch,
        pauses: list[float],
        other: dict[str, str],
        reason: str,
    ) -> None:
        """F102."""
        monkeypatch.setenv(VARIABLE, database.address(**other))
        found = refused(inbox_of(tmp_path))
        assert (VARIABLE, reason, []) == (found.file, found.reason, pauses)

    @pytest.mark.parametrize(
        "dsn",
        [
            f"{PASSWORD}",
            f"postgresql://{USER}:{PASSWORD} x@127.0.0.1/d",
            f"postgresql://{USER}:{PASSWORD}@127.0.0.1/d?nothing={PASSWORD}",
            f"mysql://{USER}:{PASSWORD}@127.0.0.1/d",
            f"host=127.0.0.1 password='{PASSWORD}",
            f"postgresql://{USER}:{PASSWORD}\udcff@127.0.0.1/d",
        ],
    )
    def test_a_connection_string_that_is_none_is_not_repeated(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dsn: str
    ) -> None:
        """F102: libpq quotes what it does not understand, which may be the password."""
        monkeypatch.setenv(VARIABLE, dsn)
        found = refused(inbox_of(tmp_path))
        assert "the connection string in this variable can't be read" == found.reason

    def test_an_unknown_host(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """F102."""
        monkeypatch.setenv(VARIABLE, f"postgresql://{USER}:{PASSWORD}@nowhere.invalid/d?connect_timeout=5")
        assert "the name of the server is not known here" == refused(inbox_of(tmp_path)).reason

    def test_a_server_that_never_answers(
        self, tmp_path: Path, database: PostgresDatabase, silent_port: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """F102."""
        monkeypatch.setattr(databases, "RETRY_PAUSES", ())
        monkeypatch.setenv(VARIABLE, database.address(port=silent_port, connect_timeout=1))
        assert "the server did not answer in time" == refused(inbox_of(tmp_path)).reason

    def test_a_server_that_hangs_is_left_behind(
        self, tmp_path: Path, database: PostgresDatabase, silent_port: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """F102."""
        monkeypatch.setattr(databases, "GRACE_SECONDS", 0.1)
        monkeypatch.setenv(VARIABLE, database.address(port=silent_port, connect_timeout=3))
        found = refused(inbox_of(tmp_path, source(timeout=timedelta(seconds=0.2))))
        assert ("query-2026-04-01", True) == (found.file, "longer than query_timeout allows" in found.reason)

    @pytest.mark.parametrize(
        "query",
        [
            f"select *, pg_sleep(20)::text from ({QUERY}) as h",
            "select 'L' || g as lead_id, 'MQL' as stage, now() as entered_at, repeat('x', 900) as x, case when g > 30000 then "
            "pg_sleep(1)::text end as slow from generate_series(1, 40000) as g",
        ],
    )
    def test_a_slow_query_is_ended_by_the_server(
        self, tmp_path: Path, database: PostgresDatabase, pauses: list[float], query: str
    ) -> None:
        """F102: Before its first row, and in the middle of them."""
        database.do(TABLE)
        found = refused(inbox_of(tmp_path, source(query, timeout=timedelta(seconds=0.6))))
        assert ("query-2026-04-01", "the query took longer than query_timeout allows, 0.01 minutes", []) == (
            found.file,
            found.reason,
            pauses,
        )

    @pytest.mark.parametrize(
        ("function", "reason", "tries"),
        [
            ("pg_terminate_backend", "the connection was lost in the middle of the query", 3),
            ("pg_cancel_backend", "the query was cancelled on the server", 1),
        ],
    )
    def test_an_end_in_mid_query_lands_nothing(
        self,
        tmp_path: Path,
        database: PostgresDatabase,
        pauses: list[float],
        function: str,
        reason: str,
        tries: int,
    ) -> None:
        """F102."""
        query = (
            "select 'L' || g as lead_id, 'MQL' as stage, now() as entered_at, repeat('x', 900) as x, "
            f"case when g = 30000 then {function}(pg_backend_pid()) end as ends from generate_series(1, 40000) as g"
        )
        found = refused(inbox_of(tmp_path, source(query)))
        assert (reason, tries) == (found.reason, len(pauses) + 1)

    def test_a_connection_lost_before_the_first_row(
        self, tmp_path: Path, database: PostgresDatabase, pauses: list[float]
    ) -> None:
        """F102: While the query is planned, which calls a function that is immutable."""
        database.do(
            "create function ends() returns int language sql immutable as "
            "'select pg_terminate_backend(pg_backend_pid())::int'"
        )
        found = refused(inbox_of(tmp_path, source("select ends() as lead_id")))
        assert ("the connection was lost", 3) == (found.reason.partition(" in")[0], len(pauses) + 1)

    @pytest.mark.parametrize(
        ("change", "reason", "next_step"),
        [
            (
                "alter table stage_history drop owner",
                'the query does not fit the database: column "owner" does not exist (SQLSTATE 42703)',
                "correct `query`, `from_table` or `cursor` of this input; the table may have changed",
            ),
            (
                "drop table stage_history",
                'the query does not fit the database: relation "stage_history" does not exist (SQLSTATE 42P01)',
                "correct `query`, `from_table` or `cursor` of this input; the table may have changed",
            ),
        ],
    )
    def test_the_table_changed(
        self, tmp_path: Path, database: PostgresDatabase, change: str, reason: str, next_step: str
    ) -> None:
        """F102: A column that is gone, and a table: they are named."""
        database.do(TABLE + change)
        found = refused(inbox_of(tmp_path, source("select lead_id, stage, entered_at, owner from stage_history")))
        assert (reason, next_step) == (found.reason, found.next_step)

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            ("'hidden'::text::int", "the query failed while it ran (SQLSTATE 22P02)"),
            ("(owner || 'hidden')::int", "the query failed while it ran"),
            (
                "timestamp '2026-01-01' at time zone 'hidden'",
                "the server does not know a value of the query or session",
            ),
        ],
    )
    def test_a_value_that_fails_a_query_is_not_repeated(
        self, tmp_path: Path, database: PostgresDatabase, value: str, reason: str
    ) -> None:
        """F102: While it is planned, and in mid query."""
        database.do(TABLE)
        found = refused(inbox_of(tmp_path, source(f"select *, {value} as n from stage_history")))
        assert (True, False) == (found.reason.startswith(reason), "hidden" in str(found))

    def test_a_column_that_the_input_needs_is_gone(self, tmp_path: Path, database: PostgresDatabase) -> None:
        """F102."""
        database.do(TABLE + "alter table stage_history drop lead_id")
        found = refused(inbox_of(tmp_path))
        assert ("query-2026-04-01", True) == (
            found.file,
            found.reason.startswith("missing columns `lead_id`; found `stage`"),
        )

    def test_a_table_that_may_not_be_read(
        self, tmp_path: Path, database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """F102."""
        role = f"reader_{database.schema}"
        database.do(
            TABLE + f"create role {role} login password '{PASSWORD}'; grant usage on schema {database.schema} to {role}"
        )
        monkeypatch.setenv(VARIABLE, database.address(user=role))
        found = refused(inbox_of(tmp_path))
        assert (
            "its user may not read this: permission denied for table stage_history",
            "let the owner of the table `grant select` on it to the user of FUNNEL_PG_DSN",
        ) == (found.reason, found.next_step)

    def test_two_columns_of_one_name(self, tmp_path: Path, database: PostgresDatabase) -> None:
        """F102."""
        found = refused(inbox_of(tmp_path, source("select 1 as a, 2 as a")))
        assert ("the query has two columns `a`", "rename one of them with `as`") == (
            found.reason,
            found.next_step,
        )

    def test_two_statements_are_refused(self, tmp_path: Path, database: PostgresDatabase) -> None:
        """F102."""
        database.do(TABLE)
        found = refused(inbox_of(tmp_path, source("select 1) as q; drop table stage_history; select * from (select 1")))
        assert "SQLSTATE 42601" in found.reason
        assert [(3,)] == database.rows("select count(*) from stage_history")

    def test_a_conflict_on_a_replica_is_tried_again(self) -> None:
        """F102: The server takes a query back; no test of ours has a replica."""
        failed = postgres_failures.query_failed("40001", "", source(), is_slow=False)
        assert (True, True) == (failed.is_lost, failed.is_of_query)

    def test_a_fault_of_the_program_in_the_thread_is_raised(
        self, tmp_path: Path, database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """F102."""

        def read(*_: Any) -> Any:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(postgres_inputs, "read", read)
        with pytest.raises(OSError, match="No space left"):
            inbox_of(tmp_path).land()


@pytest.mark.parametrize(
    ("dsn", "expected"),
    [
        ("postgresql://u:p?w@h/d", "postgresql://u:p?w@h/d?connect_timeout=15&"),
        ("postgres://h/d?application_name=a@b", "postgres://h/d?application_name=a@b&connect_timeout=15&"),
        ("postgresql://h/d?connect_timeout=3", "postgresql://h/d?connect_timeout=3&keepalives_idle=30&"),
        ("host=h connect_timeout = 3", "keepalives_idle=30 keepalives_interval=10 keepalives_count=3 host=h"),
    ],
)
def test_limits_are_added_to_a_connection_string(dsn: str, expected: str) -> None:
    assert postgres_inputs.with_defaults(dsn).startswith(expected)
