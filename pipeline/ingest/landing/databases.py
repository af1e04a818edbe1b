"""Write the result of a query to a file in the work folder, which is then loaded like any other file.

If anything fails, the input has a refused file instead, and no rows of that read are loaded.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb

from pipeline import log
from pipeline.config.configuration import Database, Input
from pipeline.config.input_tables import CONTRACTS
from pipeline.database.connection import glob_escaped, quoted
from pipeline.database.interrupt import defer_signals
from pipeline.ingest.files.find import InputFile
from pipeline.ingest.landing.landing_log import Load
from pipeline.ingest.readers import postgres, postgres_failures
from pipeline.ingest.readers.postgres import QueryFile
from pipeline.ingest.readers.postgres_failures import Failure
from pipeline.ingest.rows.columns import BindError, bind

RETRY_PAUSES = (2.0, 10.0)
"""Seconds before each retry after a failed connection. A failed query is not retried."""
GRACE_SECONDS = 30.0
"""Seconds that we wait after the timeout of the query, before the server counts as lost."""
_PREFIX = "query-"
_LOWER_HALF = 2**64 - 1


def query_file(
    connection: duckdb.DuckDBPyConnection,
    input_: Input,
    database: Database,
    earlier: Sequence[Load],
    day: date,
    work: Path,
) -> tuple[InputFile, ...]:
    """Return the result of an input's query as one file, or one refused file. `earlier` are the loads with the same settings.

    The file in `work` is deleted by the next call.
    """
    dsn = os.environ.get(database.variable, "").strip()
    if not dsn:
        server = "postgresql://user:password@host:5432/database"
        next_step = f"set it where the run starts: export {database.variable}={server}"
        return (InputFile(Path(database.variable), "this environment variable is not set", next_step),)
    for old in work.glob(f"{_PREFIX}*"):
        old.unlink()
    # Each input has its own file, because a thread that timed out may still write to an earlier one.
    name, path, after = f"query-{day}", work / f"{_PREFIX}{input_.name}.parquet", last_cursor(earlier)
    outcome = _with_retries(lambda: postgres.read(dsn, database, input_.timezone, after, path), input_.name, database)
    if isinstance(outcome, Failure):
        where = Path(name if outcome.is_of_query else database.variable)
        return (InputFile(where, outcome.reason, outcome.next_step),)
    sha256 = _content_sha256(connection, path)
    has_times = _has_times(input_, outcome)
    return (InputFile(path, name=name, sha256=sha256, has_times=has_times, cursor_after=after, cursor=outcome.cursor),)


def with_iso_times(input_: Input, file: InputFile) -> Input:
    """Return the settings for a file: times of a database are ISO 8601, so that format is tried first."""
    if not file.has_times or input_.time_format is None:
        return input_
    return replace(input_, time_format=("iso", *(each for each in input_.time_formats if each != "iso")))


def last_cursor(earlier: Sequence[Load]) -> str | None:
    """Return the cursor value up to which all rows are in the log; None for a full load.

    A load that continues from a forgotten one leaves a gap, so it is ignored.
    """
    last = None
    for load in earlier:
        if load.cursor_after in (None, last):
            last = load.cursor
    return last


def remarks(input_: Input, superseded: Sequence[int]) -> tuple[str, ...]:
    """Return the remark about a query that was read again with other settings and replaces the `superseded` loads."""
    if input_.database is None or not superseded:
        return ()
    count = f"{len(superseded)} load{'' if len(superseded) == 1 else 's'}"
    return (
        f"the query, its cursor or other settings changed, so all of it was read again; {count} that "
        f"{'was' if len(superseded) == 1 else 'were'} read before no longer count, and stay in the log",
    )


def _with_retries(read: Callable[[], QueryFile | Failure], name: str, database: Database) -> QueryFile | Failure:
    """Return what `read` returns, with retries after a failed connection."""
    for number, pause in enumerate(RETRY_PAUSES, start=1):
        outcome = _with_timeout(read, database)
        if not isinstance(outcome, Failure) or not outcome.is_lost:
            return outcome
        log.info(f"{name}: {outcome.reason}; try {number + 1} of {len(RETRY_PAUSES) + 1} in {pause:g} s")
        time.sleep(pause)
    return _with_timeout(read, database)


def _with_timeout(read: Callable[[], QueryFile | Failure], database: Database) -> QueryFile | Failure:
    """Return or raise what `read` does, with a timeout.

    A hanging server can't be interrupted, so `read` has its own thread, which is abandoned after the timeout.
    """
    ended: list[QueryFile | Failure | BaseException] = []

    def work() -> None:
        try:
            ended.append(read())
        except BaseException as error:  # raised again in the waiting thread
            ended.append(error)

    thread = threading.Thread(target=work, daemon=True)
    with defer_signals():
        thread.start()
    thread.join(database.timeout.total_seconds() + GRACE_SECONDS)
    if not ended:
        return postgres_failures.query_timed_out(database)
    if isinstance(ended[0], BaseException):
        raise ended[0]
    return ended[0]


def _has_times(input_: Input, result: QueryFile) -> bool:
    """Whether the database has a time type for any time column."""
    try:
        bound = bind(result.names, input_).columns
    except BindError:  # reading the file raises it again, with a message
        return False
    return any(
        bound.get(column.name) in result.times for column in CONTRACTS[input_.table].columns if column.type == "time"
    )


def _content_sha256(connection: duckdb.DuckDBPyConnection, path: Path) -> str:
    """Return a SHA-256 of the columns and rows of the file. It does not depend on the order of the rows.

    Without `order by`, a server can return rows in any order. So the hash uses the sum of the MD5 of all rows.
    """
    rows = f"from read_parquet({quoted(glob_escaped(path))}) as delivered"
    names = [row[0] for row in connection.execute(f"describe select * {rows}").fetchall()]
    sums = connection.execute(
        f"select count(*), sum((digest & {_LOWER_HALF})::ubigint), sum((digest >> 64)::ubigint) "
        f"from (select md5_number(to_json(delivered)::varchar) as digest {rows})"
    ).fetchall()[0]
    return hashlib.sha256(json.dumps([names, *map(str, sums)]).encode()).hexdigest()
