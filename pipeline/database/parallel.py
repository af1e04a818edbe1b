"""Runs several queries at once on one database, if its tables are too small for several threads per query.

DuckDB gives a table to its threads in row groups of 122,880 rows. A smaller table uses only one thread, but planning for
several threads has a cost: on data/sample the queries of the report need half the time with one thread
(`FUNNEL_THREADS=1 funnel report` compared with `FUNNEL_THREADS=2`). So a small run uses one thread per query, and as many
queries at once as there are threads.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from queue import SimpleQueue
from types import TracebackType
from typing import TypeVar

import duckdb

from pipeline.database import interrupt
from pipeline.database.connection import new_cursor
from pipeline.settings import Settings

ROW_GROUP_SIZE = 122_880
MIN_BYTES_PER_QUERY = 5e8
"""Memory that each of several queries at once needs. With less, they run one after the other."""
T = TypeVar("T")


@dataclass(frozen=True)
class Shares:
    """How a run uses its threads: the number of queries at once, and the settings of each query."""

    queries: int
    settings: Settings


def shares(settings: Settings, entries: int) -> Shares:
    """Return one query at a time on all threads, or one query per thread if history has few `entries` (rows)."""
    if entries < ROW_GROUP_SIZE:
        queries = int(min(settings.threads, settings.memory // MIN_BYTES_PER_QUERY))
        return Shares(max(1, queries), replace(settings, threads=1))
    return Shares(1, settings)


class Cursors:
    """A connection and its cursors, for `count` queries at once. Can interrupt all of them."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, count: int = 1) -> None:
        self.connection = connection
        self._others = [new_cursor(connection) for _ in range(count - 1)]

    def __enter__(self) -> Cursors:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def interrupt(self) -> None:
        """Stop every running query."""
        for each in (self.connection, *self._others):
            with contextlib.suppress(duckdb.Error):  # it may be closed already
                each.interrupt()

    def close(self) -> None:
        """Close the cursors; the connection stays open."""
        for each in self._others:
            each.close()

    def run(
        self,
        jobs: Sequence[Callable[[duckdb.DuckDBPyConnection], T]],
        after: Sequence[frozenset[int]] = (),
        done: Callable[[T], None] = lambda result: None,
    ) -> tuple[T, ...]:
        """Run the jobs. Returns their results in order, and calls `done` with each result in the same order.

        Job n starts after the jobs with the numbers in `after[n]`, which must be smaller than n. After an error no other
        job starts. If several jobs fail, the error of the first one is raised.
        """
        if not self._others:
            return tuple(_reported(job(self.connection), done) for job in jobs)
        free: SimpleQueue[duckdb.DuckDBPyConnection] = SimpleQueue()
        for each in (self.connection, *self._others):
            free.put(each)

        def work(job: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
            cursor = free.get()
            try:
                return job(cursor)
            finally:
                free.put(cursor)

        results: dict[int, T] = {}
        reported = 0
        waiting = dict(enumerate(after or [frozenset[int]()] * len(jobs)))
        with ThreadPoolExecutor(1 + len(self._others), "queries") as pool:
            running: dict[Future[T], int] = {}
            while waiting or running:
                ready = [number for number, earlier in waiting.items() if earlier <= results.keys()]
                for number in ready[: 1 + len(self._others) - len(running)]:
                    del waiting[number]
                    with interrupt.defer_signals():  # it may start a thread
                        running[pool.submit(work, jobs[number])] = number
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                if any(each.exception() for each in finished):
                    wait(running)
                for future in sorted(running, key=running.__getitem__):
                    if future.done():
                        results[running.pop(future)] = future.result()
                while reported in results:
                    done(results[reported])
                    reported += 1
        return tuple(results[number] for number in range(len(jobs)))


def _reported(result: T, done: Callable[[T], None]) -> T:
    done(result)
    return result
