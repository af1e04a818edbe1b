"""Stream the result of one Postgres query into a Parquet file, every value as Postgres writes it as text.

The ADBC driver returns the rows as Arrow batches. Messages of libpq and of the server are not repeated, except names from the
query, because they may contain parts of the connection string or values of rows.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.config.configuration import Database
from pipeline.database.connection import identifier, quoted
from pipeline.ingest.readers.postgres_failures import Failure, connection_lost, not_connected, query_failed

if TYPE_CHECKING:
    import pyarrow as pa
    from adbc_driver_manager.dbapi import Connection, Cursor

CONNECT_SECONDS = 15
"""Time for a server to answer, unless the connection string has a `connect_timeout`."""

_DEFAULTS = {
    "connect_timeout": CONNECT_SECONDS,
    # Detects a lost server within a minute; the default of the system is two hours.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
_URI = re.compile(r"postgres(?:ql)?://(?:[^@/]*@)?")

# The format of values must not depend on settings of the server, the database or the user.
_SESSION = (
    "set transaction isolation level repeatable read, read only; set local client_encoding = 'UTF8'; "
    "set local datestyle = 'ISO, YMD'; set local intervalstyle = 'postgres'; set local bytea_output = 'hex'; "
    "set local extra_float_digits = 1; set local standard_conforming_strings = on; "
    # From version 14 on, a server can end the query when its client is gone.
    "select set_config(name, '10s', true) from pg_catalog.pg_settings where name = 'client_connection_check_interval'"
)

_MAX_TIMEOUT_MS = 2_147_483_647
"""Largest `statement_timeout` of the server."""
_MAX_EXACT_FLOAT = 9_007_199_254_740_992
_LOST_STATES = ("08", "53300", "57P")
"""Prefixes of the SQLSTATE of a lost connection, or of a server that accepts no connections at the moment."""
_STATE_BY_MESSAGE = (
    ("conflict with recovery", "40001"),
    ("canceling statement", "57014"),
    ("invalid byte sequence", "22021"),
)
"""SQLSTATE by the text of the error, for errors in the middle of a query, where the driver does not return it."""


@dataclass(frozen=True)
class QueryFile:
    """The columns of the written file, and the positions of those with times. `cursor` is the highest cursor value so far."""

    names: tuple[str, ...]
    times: frozenset[int]
    cursor: str | None


class _FailureError(Exception):
    """Carries a Failure. The driver's error is never its cause, because its text may contain secrets."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.reason)


def _wrong_query(reason: str, next_step: str) -> _FailureError:
    return _FailureError(Failure(reason, next_step, is_of_query=True))


def read(dsn: str, database: Database, zone: str, after: str | None, path: Path) -> QueryFile | Failure:
    """Write the rows of the query to the Parquet file `path`, as text; times are ISO 8601, instants in UTC.

    `zone` is the time zone of the session, for times without an offset. `after` is the cursor value that an earlier read returned.
    """
    began = time.monotonic()
    try:
        with closing(_connect(dsn, database)) as connection, closing(connection.cursor()) as cursor:
            _call(lambda: cursor.executescript(_session(zone, database)), database, began)
            selected = _TextQuery.of(cursor, database, after, began)
            _call(lambda: cursor.execute(selected.sql), database, began)
            highest = _write(connection, cursor, selected, database, began, path)
            return QueryFile(selected.names, selected.times, highest)
    except _FailureError as failed:
        return failed.failure


def _connect(dsn: str, database: Database) -> Connection:
    from adbc_driver_postgresql import dbapi  # imported here because only database inputs need it

    try:
        connected: Connection = dbapi.connect(with_defaults(dsn))
        return connected
    except (dbapi.Error, UnicodeError) as error:
        text = str(error)
    raise _FailureError(not_connected(text, database))


def with_defaults(dsn: str) -> str:
    """Return the connection string with our default limits for those that it does not set."""
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
    """The SELECT around the query: its columns as text and, if configured, the cursor as the last column."""

    sql: str
    names: tuple[str, ...]
    times: frozenset[int]
    after: str | None = None
    has_cursor: bool = False
    is_whole: bool = False
    """Whether the cursor is a whole number and not a time."""

    @staticmethod
    def of(cursor: Cursor, database: Database, after: str | None, began: float) -> _TextQuery:
        import pyarrow as pa

        query = f"from (\n{database.query}\n) as q"  # a comment may end the query
        schema: pa.Schema = _call(lambda: cursor.adbc_execute_schema(f"select * {query}"), database, began)
        names = tuple(schema.names)
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise _wrong_query(f"the query has two columns `{twice[0]}`", "rename one of them with `as`")
        times = frozenset(number for number, field in enumerate(schema) if _is_time(field.type))
        columns = [_as_text(_column(field.name), field.type) for field in schema]
        if database.cursor is None:
            return _TextQuery(f"select {_select_list(columns)} {query}", names, times)
        kind = _cursor_kind(database, schema)
        is_whole = pa.types.is_integer(kind)
        if after is not None and is_whole != after.lstrip("-").isdigit():
            after = None  # the type of the column changed, so its old values mean nothing
        column = _column(database.cursor)
        columns.append(_cursor_value(column, kind))
        where = (
            "" if after is None else f" where {column} >= {_cursor_start(after, kind, database)} or {column} is null"
        )
        return _TextQuery(f"select {_select_list(columns)} {query}{where}", names, times, after, True, is_whole)


def _select_list(columns: list[str]) -> str:
    return ", ".join(f"{column} as c{number}" for number, column in enumerate(columns))


def _column(name: str) -> str:
    return f"q.{identifier(name)}"


def _as_text(column: str, kind: pa.DataType) -> str:
    """Return SQL for a value as text: an instant in UTC, a whole float without decimals, as in other files."""
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
        columns_text = ", ".join(f"`{name}`" for name in schema.names[:30])
        raise _wrong_query(
            f"the cursor `{database.cursor}` is no column of the query; it has {columns_text or 'none'}",
            "name one of them as `cursor`, or add the column to the query",
        )
    kind = schema.field(database.cursor).type
    is_time = _is_time(kind)
    if not is_time and not pa.types.is_integer(kind):
        raise _wrong_query(
            f"the cursor `{database.cursor}` is neither a time, a date nor a whole number",
            "name a column that grows with every change, or cast it in the query",
        )
    if database.look_back and not is_time:
        raise _wrong_query(
            f"look_back is a length of time, and the cursor `{database.cursor}` is a number",
            "leave out look_back, or name a column of times as `cursor`",
        )
    return kind


def _cursor_value(column: str, kind: pa.DataType) -> str:
    """Return SQL for the cursor as sortable text or as a number; null for a future time, which would skip later rows."""
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
    """Write the rows to `path` in batches. Returns the highest cursor value."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import parquet

    schema = pa.schema([(name, pa.string()) for name in selected.names])
    highest = None if selected.after is None else int(selected.after) if selected.is_whole else selected.after
    batches = iter(_call(cursor.fetch_record_batch, database, began))
    with parquet.ParquetWriter(path, schema, compression="zstd") as file:
        while (batch := _next(batches, connection, database, began)) is not None:
            file.write_batch(pa.record_batch(batch.columns[: len(schema)], schema=schema))
            batch_highest = pc.max(batch.columns[-1]).as_py() if selected.has_cursor else None
            highest = max((each for each in (highest, batch_highest) if each is not None), default=None)
    return None if highest is None else str(highest)


def _next(batches: Iterator[Any], connection: Connection, database: Database, began: float) -> Any:
    """Return the next batch, or None after the last one.

    An error of the driver in the middle of a query has no SQLSTATE, so a rollback tests the connection.
    """
    import pyarrow as pa
    from adbc_driver_postgresql import dbapi

    try:
        return next(batches, None)
    except (dbapi.Error, pa.ArrowException, OSError) as error:
        text = str(error)
    try:
        connection.rollback()
    except dbapi.Error:
        raise _FailureError(connection_lost("the connection was lost in the middle of the query")) from None
    state = next((state for words, state in _STATE_BY_MESSAGE if words in text), "")
    is_slow = _is_slow(database, began)
    raise _FailureError(query_failed("57014" if is_slow else state, "", database, is_slow=is_slow))


def _is_slow(database: Database, began: float) -> bool:
    return time.monotonic() - began >= database.timeout.total_seconds()


def _call(call: Any, database: Database, began: float) -> Any:
    """Return what `call` returns. Turns the driver's errors into _FailureError without their text."""
    from adbc_driver_postgresql import dbapi

    try:
        return call()
    except dbapi.Error as error:
        state, text = error.sqlstate or "", str(error)
    if not state or state.startswith(_LOST_STATES):
        raise _FailureError(connection_lost("the connection was lost"))
    raise _FailureError(query_failed(state, text, database, is_slow=_is_slow(database, began)))
