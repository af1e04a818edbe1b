"""A database that is down, slow or changed; docs/FAULTS.md, 102."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.ingest.landing import databases
from pipeline.ingest.readers import postgres as postgres_inputs
from pipeline.ingest.readers import postgres_failures
from tests.faults.postgres_inputs import QUERY, TABLE, inbox_of, refused, source
from tests.postgres_server import PASSWORD, USER, VARIABLE, PostgresDatabase

pytestmark = pytest.mark.usefixtures("pauses")


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port with a listener that never answers."""
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
    """docs/FAULTS.md, 102: a failed read loads nothing, other inputs are loaded, and no message has the password."""

    @pytest.mark.parametrize("content", [None, "", "  "])
    def test_an_unset_variable_refuses_the_input(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
    ) -> None:
        """F102: The message names the variable and how to set it."""
        monkeypatch.delenv(VARIABLE, raising=False)
        if content is not None:
            monkeypatch.setenv(VARIABLE, content)
        refusal = refused(inbox_of(tmp_path))
        assert (
            "warehouse: FUNNEL_PG_DSN: this environment variable is not set\n  next: set it where the run starts: export "
            "FUNNEL_PG_DSN=postgresql://user:password@host:5432/database"
        ) == str(refusal)

    def test_a_server_that_is_down_is_tried_three_times(
        self, tmp_path: Path, database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
    ) -> None:
        """F102: The log has a line for each further try."""
        monkeypatch.setenv(VARIABLE, database.address(port=fresh_port()))
        inbox = inbox_of(tmp_path)
        refusal = refused(inbox)
        assert (VARIABLE, "the server is down, or does not listen at that address") == (refusal.file, refusal.reason)
        assert [2, 10] == pauses
        assert [
            "warehouse: the server is down, or does not listen at that address; try 2 of 3 in 2 s",
            "warehouse: the server is down, or does not listen at that address; try 3 of 3 in 10 s",
        ] == inbox.log_lines[:2]

    def test_a_server_that_comes_back_is_read(
        self, tmp_path: Path, database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """F102: The second try loads the rows."""
        database.do(TABLE)
        monkeypatch.setenv(VARIABLE, database.address(port=fresh_port()))
        real, tries = postgres_inputs.read, []

        def read(dsn: str, *arguments: Any) -> Any:
            tries.append(dsn)
            return real(dsn if len(tries) == 1 else database.dsn, *arguments)

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
        """F102: A refused login or a missing database is final."""
        monkeypatch.setenv(VARIABLE, database.address(**other))
        refusal = refused(inbox_of(tmp_path))
        assert (VARIABLE, reason, []) == (refusal.file, refusal.reason, pauses)

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
        """F102: libpq quotes the text that it can't parse, which may be the password."""
        monkeypatch.setenv(VARIABLE, dsn)
        refusal = refused(inbox_of(tmp_path))
        assert "the connection string in this variable can't be read" == refusal.reason

    def test_an_unknown_host_refuses_the_input(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """F102: The message names the cause."""
        monkeypatch.setenv(VARIABLE, f"postgresql://{USER}:{PASSWORD}@nowhere.invalid/d?connect_timeout=5")
        assert "the name of the server is not known here" == refused(inbox_of(tmp_path)).reason

    def test_a_server_that_never_answers_refuses_the_input(
        self, tmp_path: Path, database: PostgresDatabase, silent_port: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """F102: The connection has a timeout."""
        monkeypatch.setattr(databases, "RETRY_PAUSES", ())
        monkeypatch.setenv(VARIABLE, database.address(port=silent_port, connect_timeout=1))
        assert "the server did not answer in time" == refused(inbox_of(tmp_path)).reason

    def test_a_server_that_hangs_refuses_the_input(
        self, tmp_path: Path, database: PostgresDatabase, silent_port: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """F102: The run stops waiting after query_timeout."""
        monkeypatch.setattr(databases, "GRACE_SECONDS", 0.1)
        monkeypatch.setenv(VARIABLE, database.address(port=silent_port, connect_timeout=3))
        refusal = refused(inbox_of(tmp_path, source(timeout=timedelta(seconds=0.2))))
        assert ("query-2026-04-01", True) == (refusal.file, "longer than query_timeout allows" in refusal.reason)

    @pytest.mark.parametrize(
        "query",
        [
            f"select *, pg_sleep(20)::text from ({QUERY}) as h",
            "select 'L' || g as lead_id, 'MQL' as stage, now() as entered_at, repeat('x', 900) as x, case when g > 30000 then "
            "pg_sleep(1)::text end as slow from generate_series(1, 40000) as g",
        ],
    )
    def test_a_slow_query_is_stopped_by_the_server(
        self, tmp_path: Path, database: PostgresDatabase, pauses: list[float], query: str
    ) -> None:
        """F102: The query is stopped before or after its first row."""
        database.do(TABLE)
        refusal = refused(inbox_of(tmp_path, source(query, timeout=timedelta(seconds=0.6))))
        assert ("query-2026-04-01", "the query took longer than query_timeout allows, 0.01 minutes", []) == (
            refusal.file,
            refusal.reason,
            pauses,
        )

    @pytest.mark.parametrize(
        ("function", "reason", "tries"),
        [
            ("pg_terminate_backend", "the connection was lost in the middle of the query", 3),
            ("pg_cancel_backend", "the query was cancelled on the server", 1),
        ],
    )
    def test_a_connection_that_ends_during_a_query_loads_nothing(
        self,
        tmp_path: Path,
        database: PostgresDatabase,
        pauses: list[float],
        function: str,
        reason: str,
        tries: int,
    ) -> None:
        """F102: The message has the reason, and a lost connection is tried again."""
        query = (
            "select 'L' || g as lead_id, 'MQL' as stage, now() as entered_at, repeat('x', 900) as x, "
            f"case when g = 30000 then {function}(pg_backend_pid()) end as ends from generate_series(1, 40000) as g"
        )
        refusal = refused(inbox_of(tmp_path, source(query)))
        assert (reason, tries) == (refusal.reason, len(pauses) + 1)

    def test_a_connection_lost_before_the_first_row(
        self, tmp_path: Path, database: PostgresDatabase, pauses: list[float]
    ) -> None:
        """F102: The connection is lost during planning, which calls an immutable function."""
        database.do(
            "create function ends() returns int language sql immutable as "
            "'select pg_terminate_backend(pg_backend_pid())::int'"
        )
        refusal = refused(inbox_of(tmp_path, source("select ends() as lead_id")))
        assert ("the connection was lost", 3) == (refusal.reason.partition(" in")[0], len(pauses) + 1)

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
    def test_a_changed_table_refuses_the_input(
        self, tmp_path: Path, database: PostgresDatabase, change: str, reason: str, next_step: str
    ) -> None:
        """F102: The message names the missing column or table."""
        database.do(TABLE + change)
        refusal = refused(inbox_of(tmp_path, source("select lead_id, stage, entered_at, owner from stage_history")))
        assert (reason, next_step) == (refusal.reason, refusal.next_step)

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
        """F102: The value is in no message, whether planning or the query fails."""
        database.do(TABLE)
        refusal = refused(inbox_of(tmp_path, source(f"select *, {value} as n from stage_history")))
        assert (True, False) == (refusal.reason.startswith(reason), "hidden" in str(refusal))

    def test_a_missing_required_column_refuses_the_input(self, tmp_path: Path, database: PostgresDatabase) -> None:
        """F102: The message names the missing column and the columns of the query."""
        database.do(TABLE + "alter table stage_history drop lead_id")
        refusal = refused(inbox_of(tmp_path))
        assert ("query-2026-04-01", True) == (
            refusal.file,
            refusal.reason.startswith("missing columns `lead_id`; found `stage`"),
        )

    def test_a_table_without_permission_refuses_the_input(
        self, tmp_path: Path, database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """F102: The message has the permission and the next step."""
        role = f"reader_{database.schema}"
        database.do(
            TABLE + f"create role {role} login password '{PASSWORD}'; grant usage on schema {database.schema} to {role}"
        )
        monkeypatch.setenv(VARIABLE, database.address(user=role))
        refusal = refused(inbox_of(tmp_path))
        assert (
            "its user may not read this: permission denied for table stage_history",
            "let the owner of the table `grant select` on it to the user of FUNNEL_PG_DSN",
        ) == (refusal.reason, refusal.next_step)

    def test_two_columns_of_one_name_refuse_the_input(self, tmp_path: Path, database: PostgresDatabase) -> None:
        """F102: The message names the column."""
        refusal = refused(inbox_of(tmp_path, source("select 1 as a, 2 as a")))
        assert ("the query has two columns `a`", "rename one of them with `as`") == (
            refusal.reason,
            refusal.next_step,
        )

    def test_two_statements_are_refused(self, tmp_path: Path, database: PostgresDatabase) -> None:
        """F102: A query is a single SELECT, and no other statement runs."""
        database.do(TABLE)
        refusal = refused(
            inbox_of(tmp_path, source("select 1) as q; drop table stage_history; select * from (select 1"))
        )
        assert "SQLSTATE 42601" in refusal.reason
        assert [(3,)] == database.rows("select count(*) from stage_history")

    def test_a_conflict_on_a_replica_is_tried_again(self) -> None:
        """F102: The server cancels the query; the test simulates this, because it has no replica."""
        failed = postgres_failures.query_failed("40001", "", source(), is_slow=False)
        assert (True, True) == (failed.is_lost, failed.is_of_query)

    def test_an_unexpected_exception_in_the_thread_is_raised(
        self, tmp_path: Path, database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """F102: The exception is not reported as an error of the database."""

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
