"""Queries side by side on one database, for a night whose tables are too small for several threads to share one of them.

DuckDB hands a table to its threads in groups of 122,880 rows. Below that a second thread finds nothing to do, yet every
query is planned and handed round for it: on data/sample the queries of the pages cost half as much on one thread
(`FUNNEL_THREADS=1 funnel report` beside `FUNNEL_THREADS=2`). So a small night runs each query on one thread, and as many
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
from pipeline.database.connection import alike
from pipeline.settings import Settings

ROWS_OF_A_GROUP = 122_880
MEMORY_OF_A_QUERY = 5e8
"""Bytes that there must be for each of several queries; with less they go one after the other."""
T = TypeVar("T")


@dataclass(frozen=True)
class Shares:
    """How the threads of a run are used: by `queries` at once, each on as many as its `settings` say."""

    queries: int
    settings: Settings


def shares(settings: Settings, entries: int) -> Shares:
    """One query at a time on every thread, or for a history of few `entries` (rows) a query for each thread."""
    if entries < ROWS_OF_A_GROUP:
        fitting = int(min(settings.threads, settings.memory // MEMORY_OF_A_QUERY))
        return Shares(max(1, fitting), replace(settings, threads=1))
    return Shares(1, settings)


class Cursors:
    """A connection and, beyond the first of `count` queries at once, cursors of it. Interrupts and closes all of them."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, count: int = 1) -> None:
        self.connection = connection
        self._others = [alike(connection) for _ in range(count - 1)]

    def __enter__(self) -> Cursors:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def interrupt(self) -> None:
        """Stop every query that runs."""
        for each in (self.connection, *self._others):
            with contextlib.suppress(duckdb.Error):  # closed meanwhile
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
        """What the jobs give, in their order, which is also the order in which `done` hears of it.

        Job n starts when the jobs numbered in `after[n]`, all of them earlier ones, are done. After an error nothing more
        is started; of several it is that of the earliest job.
        """
        if not self._others:
            return tuple(_told(job(self.connection), done) for job in jobs)
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
        told = 0
        waiting = dict(enumerate(after or [frozenset[int]()] * len(jobs)))
        with ThreadPoolExecutor(1 + len(self._others), "queries") as pool:
            running: dict[Future[T], int] = {}
            while waiting or running:
                ready = [number for number, earlier in waiting.items() if earlier <= results.keys()]
                for number in ready[: 1 + len(self._others) - len(running)]:
                    del waiting[number]
                    with interrupt.undivided():  # it may start a thread
                        running[pool.submit(work, jobs[number])] = number
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                if any(each.exception() for each in finished):
                    wait(running)
                for future in sorted(running, key=running.__getitem__):
                    if future.done():
                        results[running.pop(future)] = future.result()
                while told in results:
                    done(results[told])
                    told += 1
        return tuple(results[number] for number in range(len(jobs)))


def _told(result: T, done: Callable[[T], None]) -> T:
    done(result)
    return result
