"""SIGINT and SIGTERM stop a run within two seconds, in the middle of a long query too.

Python runs its signal handlers between bytecodes of the main thread, and DuckDB asks for them only between its tasks,
which can take a minute. So a second thread waits for the signal and interrupts the connections from outside.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Protocol

from pipeline import log
from pipeline.errors import Interrupted

STOPPING = (signal.SIGINT, signal.SIGTERM)
SECONDS_BETWEEN_INTERRUPTS = 0.05  # one is not enough: it is forgotten when the next query starts
# A signal that comes right before the main thread begins to wait doesn't end the wait; the next one does. This one stops nobody.
NUDGE = signal.SIGURG
# `timeout` and some supervisors signal the process and its group: two signals a moment apart are one wish.
SECONDS_OF_ONE_WISH = 0.2
# One call of a function over one huge value hears no interrupt. A run may be killed at any moment, so this is safe.
SECONDS_UNTIL_KILLED = 1.2
SECONDS_FOR_THE_RECORD = 0.3  # on a disk that hangs the process must end all the same


@dataclass
class _Undivided:
    """How many blocks of `undivided` the main thread is in, and the error that waits for their end."""

    depth: int = 0
    owed: Interrupted | None = None


# Signal handlers belong to the process, so this is process state too.
_undivided = _Undivided()


@contextlib.contextmanager
def undivided() -> Iterator[None]:
    """Let a signal wait for the end of the block, which must be short: to start a thread, for one.

    An exception in the middle of `Thread.start` makes the new thread print a traceback. Outside `interruptible`, and in other
    threads than the main one, it changes nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _undivided.depth += 1
    try:
        yield
    finally:
        _undivided.depth -= 1
    owed = _undivided.owed
    if owed is not None and not _undivided.depth:
        _undivided.owed = None
        raise owed


class Interruptible(Protocol):
    """What another thread can tell to stop: a DuckDB connection."""

    def interrupt(self) -> None:
        """Stop the query that runs, if one does."""

    def close(self) -> None:
        """Close it; waits until the last thread has left the query."""


START_AGAIN = "start the run again when it suits; the published night is complete as it is"

Record = Callable[[Interrupted], None]
"""Writes down what ended the run."""


class Watch:
    """The connections to interrupt when a signal comes, and the name of the signal that came."""

    def __init__(
        self, connections: tuple[Interruptible, ...], record: Record | None = None, next_step: str = START_AGAIN
    ) -> None:
        self.signal_name: str | None = None
        self.record = record
        self._next_step = next_step
        self._connections = list(connections)

    def add(self, connection: Interruptible) -> None:
        """Interrupt this connection too: for one that is opened inside the context."""
        self._connections.append(connection)

    def interrupt_all(self) -> None:
        """Stop the queries of every connection that is still open."""
        for connection in tuple(self._connections):
            with contextlib.suppress(Exception):  # closed meanwhile: there is nothing left to stop
                connection.interrupt()

    def close_all(self) -> None:
        """Close every connection, which can take as long as one call of a function that hears no interrupt."""
        self.interrupt_all()
        while self._connections:
            connection = self._connections.pop()  # first: nobody is to interrupt what is being closed
            with contextlib.suppress(Exception):
                connection.close()

    def error(self) -> Interrupted:
        """The error that ends the run."""
        return Interrupted(f"stopped by {self.signal_name}", next_step=self._next_step)


@contextlib.contextmanager
def interruptible(
    *connections: Interruptible, record: Record | None = None, next_step: str = START_AGAIN
) -> Iterator[Watch]:
    """Turn SIGINT and SIGTERM into Interrupted, raised in the main thread wherever it is. For the main thread only.

    The queries of the connections end at once, and so does every later one until the context ends. Whatever error comes
    of that leaves as Interrupted, and the connections are closed. A second signal, or 1.2 s in which the context does
    not end, ends the process on the spot, with the same exit code; what it was building is swept by the next run.
    `record` is called then, and only then: nobody after the context gets to write down what ended the run.
    `next_step` is what the error says to do.
    """
    watch = Watch(connections, record, next_step)
    raised = threading.Event()

    def raise_once(number: int, _frame: FrameType | None) -> None:
        is_first = not raised.is_set()
        raised.set()
        watch.signal_name = watch.signal_name or signal.Signals(number).name
        if not is_first:  # a second exception would break the cleaning up that the first began
            return
        if _undivided.depth:
            _undivided.owed = watch.error()
        else:
            raise watch.error()

    ear, mouth = os.pipe()
    os.set_blocking(mouth, False)
    listener = threading.Thread(target=_listen, args=(ear, watch, raised), name="signals", daemon=True)
    handlers_before = {number: signal.getsignal(number) for number in (*STOPPING, NUDGE)}
    wakeup_before = signal.set_wakeup_fd(mouth)
    listener.start()
    try:
        signal.signal(NUDGE, lambda *_: None)
        for number in STOPPING:
            signal.signal(number, raise_once)
        yield watch
    except Exception as failure:
        if watch.signal_name is None:
            watch.close_all()  # an open file keeps its room on the disk, even when it is removed
            raise
        if isinstance(failure, Interrupted):
            raise
        raise watch.error() from failure
    else:
        if watch.signal_name is not None:  # the exception was lost on the way, in a destructor for example
            raise watch.error()
    finally:
        raised.set()
        _undivided.owed = None  # an error inside the block went first, and leaves as Interrupted
        if watch.signal_name is not None:
            watch.close_all()  # here, where it can't hang: the listener still ends the process when it must
        for number, handler in handlers_before.items():
            signal.signal(number, handler or signal.SIG_DFL)
        signal.set_wakeup_fd(wakeup_before)
        os.close(mouth)  # the listener reads the end of the pipe, and ends
        listener.join()
        os.close(ear)


def _listen(ear: int, watch: Watch, raised: threading.Event) -> None:
    """Wait for a signal, then interrupt until the pipe is closed; exit at once at a second signal."""
    main = threading.main_thread().ident
    first_at: float | None = None
    while True:
        if first_at is not None:
            watch.interrupt_all()
            if time.monotonic() - first_at > SECONDS_UNTIL_KILLED:
                _end(watch)
        heard, _, _ = select.select([ear], [], [], None if first_at is None else SECONDS_BETWEEN_INTERRUPTS)
        if not heard:  # only then: a nudge is heard here, too, and would bring on the next at once
            if main is not None and not raised.is_set():
                signal.pthread_kill(main, NUDGE)
            continue
        numbers = os.read(ear, 64)
        if not numbers:
            return
        for number in numbers:
            if number not in STOPPING:
                continue
            if first_at is None:
                first_at = time.monotonic()
                watch.signal_name = signal.Signals(number).name
            elif time.monotonic() - first_at > SECONDS_OF_ONE_WISH:
                _end(watch)


def _end(watch: Watch) -> None:
    with contextlib.suppress(OSError):
        os.write(2, f"{log.final_lines(watch.error())}\n".encode())
    if watch.record is not None:
        recording = threading.Thread(target=watch.record, args=(watch.error(),), daemon=True)
        recording.start()
        recording.join(SECONDS_FOR_THE_RECORD)
    os._exit(Interrupted.exit_code)
