"""Queries side by side give what they give one after the other, in the same order, and the same error."""

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
    """One query at a time, and three at once."""
    with connect(None, SETTINGS) as connection, Cursors(connection, request.param) as made:
        yield made


def asking(sql: str) -> Callable[[duckdb.DuckDBPyConnection], object]:
    return lambda cursor: cursor.execute(sql).fetchall()


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        (0, Shares(4, Settings("2GB", 1))),
        (ROW_GROUP_SIZE - 1, Shares(4, Settings("2GB", 1))),
        (ROW_GROUP_SIZE, Shares(1, SETTINGS)),
    ],
)
def test_a_history_of_one_group_of_rows_gives_each_query_a_thread(entries: int, expected: Shares) -> None:
    """From the first row that two threads could share, one query has them all."""
    assert expected == shares(SETTINGS, entries)


@pytest.mark.parametrize(("memory", "queries"), [("80MB", 1), ("999MB", 1), ("1GB", 2), ("1.5 GiB", 3), ("1TB", 4)])
def test_queries_side_by_side_must_fit_side_by_side(memory: str, queries: int) -> None:
    """With little memory they go one after the other, as many at once as have half a gigabyte each."""
    assert Shares(queries, Settings(memory, 1)) == shares(Settings(memory, 4), 0)


def test_results_and_news_come_in_the_order_of_the_jobs(cursors: Cursors) -> None:
    """Though the first takes longest."""
    heard: list[int] = []

    def job(cursor: duckdb.DuckDBPyConnection, number: int) -> int:
        time.sleep(0.1 if number == 0 else 0)
        return number

    assert tuple(range(9)) == cursors.run([partial(job, number=number) for number in range(9)], done=heard.append)
    assert list(range(9)) == heard


def test_a_job_sees_what_the_earlier_ones_made(cursors: Cursors) -> None:
    """A table is there for the jobs that stand after it, and they wait for it."""
    jobs = [
        asking("create table a as select count(*) as n from range(3000000)"),
        asking("select 1"),
        asking("create table b as select n + 1 as n from a"),
        asking("select a.n, b.n from a, b"),
    ]
    after = [frozenset[int](), frozenset[int](), frozenset({0}), frozenset({0, 2})]
    assert [(3000000, 3000001)] == cursors.run(jobs, after)[3]


def test_of_several_errors_the_earliest_is_raised_and_nothing_more_starts(cursors: Cursors) -> None:
    """The same error as one after the other; what runs already ends first."""
    started: list[int] = []

    def job(cursor: duckdb.DuckDBPyConnection, number: int) -> None:
        started.append(number)
        time.sleep(0.1 if number == 0 else 0)
        cursor.execute(f"select * from missing_{number}")

    with pytest.raises(duckdb.CatalogException, match="missing_0"):
        cursors.run([partial(job, number=number) for number in range(20)])
    assert len(started) <= 3


def test_an_interrupt_stops_every_query() -> None:
    """Each of them, from another thread."""
    with connect(None, SETTINGS) as connection, Cursors(connection, 2) as cursors:
        timer = threading.Timer(0.3, cursors.interrupt)
        timer.start()
        started = time.monotonic()
        with pytest.raises(duckdb.InterruptException):
            cursors.run([asking(LONG), asking(LONG)])
        assert time.monotonic() - started < 5


def test_a_cursor_works_in_the_file_of_its_connection(tmp_path: Path) -> None:
    """Not in the memory beside it, also where the file is only read and every setting locked."""
    path = tmp_path / "night.duckdb"
    with connect(path, SETTINGS) as connection, new_cursor(connection) as cursor:
        cursor.execute("create schema marts; create table marts.a as select 1 as n")
        assert [(1,)] == connection.execute("from marts.a").fetchall()
        connection.execute("checkpoint")
    with connect_published(path, SETTINGS) as reader, new_cursor(reader) as cursor:
        assert [(1, "UTC")] == cursor.execute("select n, current_setting('TimeZone') from marts.a").fetchall()
        with pytest.raises(duckdb.InvalidInputException):
            cursor.execute("create table marts.b as select 1 as n")
    assert [path] == list(tmp_path.iterdir())


def test_every_cursor_is_set_up_alike(cursors: Cursors) -> None:
    """Each reads the same database on the clock of UTC."""
    asked = [asking("select current_database(), current_setting('TimeZone')")] * 6
    assert {(("memory", "UTC"),)} == {tuple(rows) for rows in cursors.run(asked)}  # type: ignore[arg-type]
