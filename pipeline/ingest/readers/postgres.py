"""One query in Postgres, streamed into a Parquet file: every value as the text that Postgres writes for it.

ADBC's driver gives the rows as Arrow batches, over libpq. Nothing that libpq or the server says is repeated but names out of
the query: it may hold a part of the connection string, or values of rows.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.config.configuration import Database
from pipeline.database.connection import quoted
from pipeline.ingest.readers.postgres_failures import Failure, connection_lost, not_connected, query_failed

if TYPE_CHECKING:
    import pyarrow as pa
    from adbc_driver_manager.dbapi import Connection, Cursor

CONNECT_SECONDS = 15
"""How long a server may take to answer; a connection string with a `connect_timeout` says otherwise."""

_DEFAULTS = {
    "connect_timeout": CONNECT_SECONDS,
    # A server that vanished without a word is noticed within a minute, not after the two hours of the system.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
_URI = re.compile(r"postgres(?:ql)?://(?:[^@/]*@)?")

# How values are written follows neither from the server's settings nor from those of the user or the database.
_SESSION = (
    "set transaction isolation level repeatable read, read only; set local client_encoding = 'UTF8'; "
    "set local datestyle = 'ISO, YMD'; set local intervalstyle = 'postgres'; set local bytea_output = 'hex'; "
    "set local extra_float_digits = 1; set local standard_conforming_strings = on; "
    # A server that knows how (from 14 on) ends the query of a run that was stopped, and does not go on for nobody.
    "select set_config(name, '10s', true) from pg_catalog.pg_settings where name = 'client_connection_check_interval'"
)

_MAX_TIMEOUT_MS = 2_147_483_647
"""Milliseconds; the server takes no more."""
_MAX_EXACT_FLOAT = 9_007_199_254_740_992
_LOST_STATES = ("08", "53300", "57P")
"""How the SQLSTATE of a lost connection begins, or of a server that takes none just now."""
_STATE_BY_MESSAGE = (
    ("conflict with recovery", "40001"),
    ("canceling statement", "57014"),
    ("invalid byte sequence", "22021"),
)
"""The SQLSTATE of some errors by the server's words, where the driver does not give it."""


@dataclass(frozen=True)
class QueryFile:
    """What was written: the columns, and which of them (0 = first) hold times. `cursor` is its highest value so far, if any."""

    names: tuple[str, ...]
    times: frozenset[int]
    cursor: str | None


class _FailureError(Exception):
    """Carries a Failure; never with the error of the driver as its cause, whose text is not for others."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.reason)


def read(dsn: str, database: Database, zone: str, after: str | None, path: Path) -> QueryFile | Failure:
    """Write the rows of the query to `path`, as a Parquet file of texts; times are ISO 8601, instants in UTC.

    `zone` is that of the session, in which naive times of the query are to be understood. `after` is what an earlier
    read of the same cursor returned.
    """
    began = time.monotonic()
    try:
        with _connection(dsn, database) as connection, closing(connection.cursor()) as cursor:
            _call(lambda: cursor.executescript(_session(zone, database)), database, began)
            selected = _TextQuery.of(cursor, database, after, began)
            _call(lambda: cursor.execute(selected.sql), database, began)
            highest = _write(connection, cursor, selected, database, began, path)
            return QueryFile(selected.names, selected.times, highest)
    except _FailureError as failed:
        return failed.failure


@contextmanager
def _connection(dsn: str, database: Database) -> Iterator[Connection]:
    connection = _connect(dsn, database)
    try:
        yield connection
    finally:
        connection.close()


def _connect(dsn: str, database: Database) -> Connection:
    from adbc_driver_postgresql import dbapi  # only here: a configuration of files needs no driver

    try:
        connected: Connection = dbapi.connect(with_defaults(dsn))
        return connected
    except (dbapi.Error, UnicodeError) as error:
        text = str(error)
    raise _FailureError(not_connected(text, database))


def with_defaults(dsn: str) -> str:
    """The connection string with our limits, unless it has its own."""
    missing = {key: value for key, value in _DEFAULTS.items() if f"{key}=" not in dsn.replace(" ", "")}
    written = [f"{key}={value}" for key, value in missing.items()]
    start = _URI.match(dsn)
    if start is None:
        return " ".join((*written, dsn))
    has_options = "?" in dsn[start.end() :]
    return f"{dsn}{'&' if has_options else '?'}{'&'.join(written)}"


def _session(zone: str, database: Database) -> str:
    milliseconds = min(int(database.timeout.total_seconds() * 1000), _MAX_TIMEOUT_MS)
    return f"{_SESSION}; set local time zone {quoted(zone)}; set local statement_timeout = {milliseconds}"


@dataclass(frozen=True)
class _TextQuery:
    """The SELECT around the query: its columns as text, and in the end the cursor, where there is one."""

    sql: str
    names: tuple[str, ...]
    times: frozenset[int]
    after: str | None = None
    has_cursor: bool = False
    is_whole: bool = False
    """Whether the cursor is a whole number, and no time."""

    @staticmethod
    def of(cursor: Cursor, database: Database, after: str | None, began: float) -> _TextQuery:
        import pyarrow as pa

        query = f"from (\n{database.query}\n) as q"  # a comment may end the query
        schema: pa.Schema = _call(lambda: cursor.adbc_execute_schema(f"select * {query}"), database, began)
        names = tuple(schema.names)
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise _FailureError(
                Failure(f"the query has two columns `{twice[0]}`", "name one of them otherwise, with `as`", True)
            )
        times = frozenset(number for number, field in enumerate(schema) if _is_time(field.type))
        columns = [_as_text(_column(field.name), field.type) for field in schema]
        if database.cursor is None:
            return _TextQuery(f"select {_select_list(columns)} {query}", names, times)
        kind = _cursor_kind(database, schema)
        is_whole = pa.types.is_integer(kind)
        if after is not None and is_whole != after.lstrip("-").isdigit():
            after = None  # the column was of another type: its old values say nothing
        column = _column(database.cursor)
        columns.append(_cursor_value(column, kind))
        where = (
            "" if after is None else f" where {column} >= {_cursor_start(after, kind, database)} or {column} is null"
        )
        return _TextQuery(f"select {_select_list(columns)} {query}{where}", names, times, after, True, is_whole)


def _select_list(columns: list[str]) -> str:
    return ", ".join(f"{column} as c{number}" for number, column in enumerate(columns))


def _column(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'q."{escaped}"'


def _as_text(column: str, kind: pa.DataType) -> str:
    """The value as its text, an instant in UTC. A whole number that came to be a float has no decimals, as in other files."""
    import pyarrow as pa

    if pa.types.is_timestamp(kind) and kind.tz:
        return f"({column} at time zone 'UTC')::text || '+00'"
    if pa.types.is_floating(kind):
        whole = f"{column} = trunc({column}) and abs({column}) < {_MAX_EXACT_FLOAT}"
        return f"case when {whole} then {column}::bigint::text else nullif({column}::text, 'NaN') end"
    return f"{column}::text"


def _is_time(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _cursor_kind(database: Database, schema: pa.Schema) -> pa.DataType:
    import pyarrow as pa

    if database.cursor not in schema.names:
        found = ", ".join(f"`{name}`" for name in schema.names[:30])
        raise _FailureError(
            Failure(
                f"the cursor `{database.cursor}` is no column of the query; it has {found or 'none'}",
                "name one of them as `cursor`, or add the column to the query",
                True,
            )
        )
    kind = schema.field(database.cursor).type
    is_time = _is_time(kind)
    if not is_time and not pa.types.is_integer(kind):
        raise _FailureError(
            Failure(
                f"the cursor `{database.cursor}` is neither a time, a date nor a whole number",
                "name a column that grows with every change, or cast it in the query",
                True,
            )
        )
    if database.look_back and not is_time:
        raise _FailureError(
            Failure(
                f"look_back is a length of time, and the cursor `{database.cursor}` is a number",
                "leave out look_back, or name a column of times as `cursor`",
                True,
            )
        )
    return kind


def _cursor_value(column: str, kind: pa.DataType) -> str:
    """The value as a text that sorts as it does, or as a number; null for a time to come, since rows up to it would be missed."""
    import pyarrow as pa

    if pa.types.is_integer(kind):
        return f"{column}::bigint"
    if pa.types.is_date(kind):
        return f"case when {column} <= current_date then to_char({column}, 'YYYY-MM-DD') end"
    now, value = ("now()", f"{column} at time zone 'UTC'") if kind.tz else ("localtimestamp", column)
    return f"case when {column} <= {now} then to_char({value}, 'YYYY-MM-DD HH24:MI:SS.US') end"


def _cursor_start(after: str, kind: pa.DataType, database: Database) -> str:
    import pyarrow as pa

    if pa.types.is_integer(kind):
        return after
    value = f"timestamp {quoted(after)}"
    if pa.types.is_timestamp(kind) and kind.tz:
        value = f"{value} at time zone 'UTC'"
    return f"{value} - make_interval(secs => {int(database.look_back.total_seconds())})"


def _write(
    connection: Connection, cursor: Cursor, selected: _TextQuery, database: Database, began: float, path: Path
) -> str | None:
    """The rows to `path`, a batch at a time. Returns the highest value of the cursor."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import parquet

    schema = pa.schema([(name, pa.string()) for name in selected.names])
    highest = None if selected.after is None else int(selected.after) if selected.is_whole else selected.after
    batches = iter(_call(cursor.fetch_record_batch, database, began))
    with parquet.ParquetWriter(path, schema, compression="zstd") as file:
        while (batch := _next(batches, connection, database, began)) is not None:
            file.write_batch(pa.record_batch(batch.columns[: len(schema)], schema=schema))
            seen = pc.max(batch.columns[-1]).as_py() if selected.has_cursor else None
            highest = max((each for each in (highest, seen) if each is not None), default=None)
    return None if highest is None else str(highest)


def _next(batches: Iterator[Any], connection: Connection, database: Database, began: float) -> Any:
    """The next batch, or None after the last. The driver's error in mid query has no SQLSTATE, so the connection is asked."""
    import pyarrow as pa
    from adbc_driver_postgresql import dbapi

    try:
        return next(batches, None)
    except (dbapi.Error, pa.ArrowException, OSError) as error:
        text = str(error)
    try:
        connection.rollback()
    except dbapi.Error:
        raise _FailureError(connection_lost("the connection was lost in the middle of the query", database)) from None
    state = next((state for words, state in _STATE_BY_MESSAGE if words in text), "")
    is_slow = _is_slow(database, began)
    raise _FailureError(query_failed("57014" if is_slow else state, "", database, is_slow=is_slow))


def _is_slow(database: Database, began: float) -> bool:
    return time.monotonic() - began >= database.timeout.total_seconds()


def _call(call: Any, database: Database, began: float) -> Any:
    """What `call` returns. Raises _Failed in place of the driver's errors, and keeps nothing of them."""
    from adbc_driver_postgresql import dbapi

    try:
        return call()
    except dbapi.Error as error:
        state, text = error.sqlstate or "", str(error)
    if not state or state.startswith(_LOST_STATES):
        raise _FailureError(connection_lost("the connection was lost", database))
    raise _FailureError(query_failed(state, text, database, is_slow=_is_slow(database, began)))
