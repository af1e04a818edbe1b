"""An input that reads Postgres has the same log and accounting as a file; docs/FAULTS.md, 102.

The tests use a real server (tests/postgres_server.py) with unusual settings.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from delivery import CLOCK, HEADER, Inbox, entry

from pipeline.config.configuration import Input
from pipeline.ingest.files.find import find
from tests.faults.postgres_inputs import QUERY, TABLE, inbox_of, loads, refused, set_database, source
from tests.postgres_server import VARIABLE, Postgres, PostgresDatabase

pytestmark = pytest.mark.usefixtures("pauses")


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
        refusal = refused(inbox_of(tmp_path, source(f"select *, nextval('counter') as n from ({QUERY}) as h")))
        assert "the query failed while it ran" == refusal.reason

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

    def test_a_keyed_table_may_return_to_an_earlier_value(self, tmp_path: Path, database: PostgresDatabase) -> None:
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
        set_database(inbox, source(f"{QUERY} where lead_id <> 'L1'", cursor="updated_at"))
        outcome = inbox.land()
        (load,) = outcome.loads
        assert ((1, 2), None, 3) == (load.supersedes, load.cursor_after, load.landed)
        assert ["L2", "L2", "L9"] == inbox.leads()
        (warning,) = outcome.warnings
        assert "2 loads that were read before no longer count" in warning
        set_database(inbox, source(f"{QUERY} where lead_id <> 'L1'", cursor="updated_at"), timezone="Asia/Tokyo")
        assert [(3,)] == [load.supersedes for load in inbox.land().loads]
        assert "1 load that was read before" in loads(inbox)[-1].warnings[0]

    def test_files_of_the_same_input_still_count(self, tmp_path: Path, database: PostgresDatabase) -> None:
        database.do(TABLE)
        inbox = Inbox(tmp_path)
        inbox.put("history.csv", HEADER + entry("L0"))
        inbox.reads("history.csv", name="warehouse")
        inbox.land()
        set_database(inbox, source())
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
    """The input does not read the files in the folder of the configuration, either."""
    inbox = inbox_of(tmp_path)
    inbox.put("history.csv", HEADER)
    assert () == find(inbox.inputs[0])


class TestValues:
    def test_every_type_is_read_as_plain_text(self, tmp_path: Path, database: PostgresDatabase) -> None:
        database.do("create type mood as enum ('happy', 'sad'); ")
        cells = ", ".join(f"{sql} as v{number}" for number, sql in enumerate(VALUES))
        inbox = inbox_of(
            tmp_path, source(f"select 'L1' as lead_id, 'MQL' as stage, date '2026-01-05' as entered_at, {cells}")
        )
        inbox.land()
        columns = ", ".join(f"v{number}" for number in range(len(VALUES)))
        (row,) = inbox.rows(f"select {columns} from raw.stage_entries")
        assert list(VALUES.items()) == list(zip(VALUES, row, strict=True))

    def test_unusual_column_names_are_kept(self, tmp_path: Path, database: PostgresDatabase) -> None:
        query = (
            'select \'L1\' as "Lead ""ID""", \'MQL\' as "Stage", date \'2026-01-05\' as "Entered at", 1 as "?column?"'
        )
        inbox = inbox_of(tmp_path, source(query), columns={"lead_id": 'Lead "ID"'})
        (load,) = inbox.land().loads
        assert ('Lead "ID"', "Stage", "Entered at", "?column?") == load.header
        assert ["L1"] == inbox.leads()

    def test_a_database_in_another_encoding_is_read(self, tmp_path: Path, postgres: Postgres, monkeypatch: Any) -> None:
        database_of_test = postgres.database("encoding 'LATIN1' locale 'C' template template0")
        monkeypatch.setenv(VARIABLE, database_of_test.dsn)
        database_of_test.do(TABLE + "update stage_history set owner = 'M' || chr(252) || 'ller'")
        inbox = inbox_of(tmp_path)
        inbox.land()
        assert [("Müller",)] == inbox.rows("select distinct owner from raw.stage_entries")

    def test_text_of_an_unknown_encoding_is_refused_and_its_remedy_works(
        self, tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        database_of_test = postgres.database("encoding 'SQL_ASCII' locale 'C' template template0")
        monkeypatch.setenv(VARIABLE, database_of_test.dsn)
        database_of_test.do(TABLE + "update stage_history set owner = 'M' || chr(252) || 'ller'")
        inbox = inbox_of(tmp_path)
        refusal = refused(inbox)
        assert "the database contains text that is not UTF-8" in refusal.reason
        remedy = refusal.next_step.partition(": ")[2].replace("name", "owner")
        inbox.inputs = inbox_of(
            tmp_path, source(f"select lead_id, stage, entered_at, {remedy} from stage_history")
        ).inputs
        inbox.land()
        assert [("Müller",)] == inbox.rows("select distinct owner from raw.stage_entries where lead_id <> 'G1'")

    def test_instants_are_utc_and_naive_times_of_the_inputs_zone_wherever_the_server_is(
        self, tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The session has the input's zone, so an instant that the query makes naive keeps its value."""
        database_of_test = postgres.database()
        monkeypatch.setenv(VARIABLE, database_of_test.dsn)
        database_of_test.do(f"alter database {database_of_test.name} set timezone = 'Australia/Sydney'")
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
        """A time of Postgres is ISO 8601, independent of the format of text times."""
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
