"""Parallel queries give the same results, order and error as sequential ones."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import duckdb
import pytest

from pipeline.database.connection import connect, connect_published, new_cursor
from pipeline.database.parallel import ROW_GROUP_SIZE, Cursors, Shares, shares
from pipeline.settings import Settings

SETTINGS = Settings(memory_limit="2GB", threads=4)
LONG = "select count(*) from range(100000000) a, range(100000) b where a.range % 7 = b.range"


@pytest.fixture(params=[1, 3])
def cursors(request: pytest.FixtureRequest) -> Iterator[Cursors]:
    """Cursors for one query at a time, and for three in parallel."""
    with connect(None, SETTINGS) as connection, Cursors(connection, request.param) as cursors_under_test:
        yield cursors_under_test


def query_of(sql: str) -> Callable[[duckdb.DuckDBPyConnection], object]:
    return lambda cursor: cursor.execute(sql).fetchall()


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        (0, Shares(4, Settings("2GB", 1))),
        (ROW_GROUP_SIZE - 1, Shares(4, Settings("2GB", 1))),
        (ROW_GROUP_SIZE, Shares(1, SETTINGS)),
    ],
)
def test_a_small_history_gives_each_query_one_thread(entries: int, expected: Shares) -> None:
    """If two threads could share the rows, one query has all threads."""
    assert expected == shares(SETTINGS, entries)


@pytest.mark.parametrize(("memory", "queries"), [("80MB", 1), ("999MB", 1), ("1GB", 2), ("1.5 GiB", 3), ("1TB", 4)])
def test_parallel_queries_must_fit_into_the_memory(memory: str, queries: int) -> None:
    """As many queries run in parallel as have half a gigabyte each."""
    assert Shares(queries, Settings(memory, 1)) == shares(Settings(memory, 4), 0)


def test_results_and_progress_are_in_the_order_of_the_jobs(cursors: Cursors) -> None:
    """The first job takes longest."""
    heard: list[int] = []

    def job(cursor: duckdb.DuckDBPyConnection, number: int) -> int:
        time.sleep(0.1 if number == 0 else 0)
        return number

    assert tuple(range(9)) == cursors.run([partial(job, number=number) for number in range(9)], done=heard.append)
    assert list(range(9)) == heard


def test_a_job_sees_the_tables_of_earlier_jobs(cursors: Cursors) -> None:
    """Later jobs wait for the table and read it."""
    jobs = [
        query_of("create table a as select count(*) as n from range(3000000)"),
        query_of("select 1"),
        query_of("create table b as select n + 1 as n from a"),
        query_of("select a.n, b.n from a, b"),
    ]
    after = [frozenset[int](), frozenset[int](), frozenset({0}), frozenset({0, 2})]
    assert [(3000000, 3000001)] == cursors.run(jobs, after)[3]


def test_the_first_error_by_order_is_raised_and_no_other_job_starts(cursors: Cursors) -> None:
    """It is the error of sequential jobs; running jobs end first."""
    started: list[int] = []

    def job(cursor: duckdb.DuckDBPyConnection, number: int) -> None:
        started.append(number)
        time.sleep(0.1 if number == 0 else 0)
        cursor.execute(f"select * from missing_{number}")

    with pytest.raises(duckdb.CatalogException, match="missing_0"):
        cursors.run([partial(job, number=number) for number in range(20)])
    assert len(started) <= 3


def test_an_interrupt_stops_every_query() -> None:
    """The interrupt comes from another thread."""
    with connect(None, SETTINGS) as connection, Cursors(connection, 2) as cursors:
        timer = threading.Timer(0.3, cursors.interrupt)
        timer.start()
        started = time.monotonic()
        with pytest.raises(duckdb.InterruptException):
            cursors.run([query_of(LONG), query_of(LONG)])
        assert time.monotonic() - started < 5


def test_a_cursor_works_in_the_file_of_its_connection(tmp_path: Path) -> None:
    """It does not use the memory database, also if the file is read-only and settings are locked."""
    path = tmp_path / "run.duckdb"
    with connect(path, SETTINGS) as connection, new_cursor(connection) as cursor:
        cursor.execute("create schema marts; create table marts.a as select 1 as n")
        assert [(1,)] == connection.execute("from marts.a").fetchall()
        connection.execute("checkpoint")
    with connect_published(path, SETTINGS) as reader, new_cursor(reader) as cursor:
        assert [(1, "UTC")] == cursor.execute("select n, current_setting('TimeZone') from marts.a").fetchall()
        with pytest.raises(duckdb.InvalidInputException):
            cursor.execute("create table marts.b as select 1 as n")
    assert [path] == list(tmp_path.iterdir())


def test_every_cursor_has_the_same_settings(cursors: Cursors) -> None:
    """Each has the same database and the time zone UTC."""
    queries = [query_of("select current_database(), current_setting('TimeZone')")] * 6
    assert {(("memory", "UTC"),)} == {tuple(rows) for rows in cursors.run(queries)}  # type: ignore[arg-type]
