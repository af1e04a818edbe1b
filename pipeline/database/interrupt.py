"""Stops a run within two seconds after SIGINT or SIGTERM, even during a long query.

Python runs signal handlers between bytecodes of the main thread. DuckDB checks for signals only between its tasks, and a
task can run for a minute. So a second thread waits for the signal and interrupts the connections.
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

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
SECONDS_BETWEEN_INTERRUPTS = 0.05  # one interrupt is not enough: DuckDB drops it when the next query starts
# A signal right before the main thread starts to wait does not end the wait. This second signal does; it has no other effect.
WAKE_UP_SIGNAL = signal.SIGURG
# `timeout` and some supervisors signal both the process and its group. Two signals within this time count as one.
SECONDS_BETWEEN_REPEATS = 0.2
# DuckDB ignores interrupts inside one function call on a huge value. A run may be killed at any time, so this is safe.
SECONDS_UNTIL_KILLED = 1.2
SECONDS_FOR_THE_RECORD = 0.3  # the process must end even if the disk hangs


@dataclass
class _Deferral:
    """Number of open `defer_signals` blocks of the main thread, and the error to raise at their end."""

    depth: int = 0
    error: Interrupted | None = None


# Signal handlers belong to the process, so this state does too.
_deferral = _Deferral()


@contextlib.contextmanager
def defer_signals() -> Iterator[None]:
    """Defer SIGINT and SIGTERM to the end of a short block, such as the start of a thread.

    An exception during `Thread.start` makes the new thread print a traceback. Has no effect outside `interruptible` or in
    another thread than the main one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _deferral.depth += 1
    try:
        yield
    finally:
        _deferral.depth -= 1
    error = _deferral.error
    if error is not None and not _deferral.depth:
        _deferral.error = None
        raise error


class Interruptible(Protocol):
    """An object whose query another thread can stop: a DuckDB connection."""

    def interrupt(self) -> None:
        """Stop the running query, if any."""

    def close(self) -> None:
        """Close the connection after the last thread has left the query."""


RUN_AGAIN = "start the run again when you are ready; the published run is complete and unchanged"

Record = Callable[[Interrupted], None]
"""Records the error that ended the run."""


class Watch:
    """The connections to interrupt at a signal, and the name of the received signal."""

    def __init__(
        self, connections: tuple[Interruptible, ...], record: Record | None = None, next_step: str = RUN_AGAIN
    ) -> None:
        self.signal_name: str | None = None
        self.record = record
        self._next_step = next_step
        self._connections = list(connections)

    def add(self, connection: Interruptible) -> None:
        """Add a connection that was opened inside the context."""
        self._connections.append(connection)

    def interrupt_all(self) -> None:
        """Stop the queries of every open connection."""
        for connection in tuple(self._connections):
            with contextlib.suppress(Exception):  # it may be closed already
                connection.interrupt()

    def close_all(self) -> None:
        """Close every connection. This waits for a function call that ignores interrupts."""
        self.interrupt_all()
        while self._connections:
            connection = self._connections.pop()  # removed first, so that no thread interrupts it while it closes
            with contextlib.suppress(Exception):
                connection.close()

    def error(self) -> Interrupted:
        """Return the error that ends the run."""
        return Interrupted(f"stopped by {self.signal_name}", next_step=self._next_step)


@contextlib.contextmanager
def interruptible(
    *connections: Interruptible, record: Record | None = None, next_step: str = RUN_AGAIN
) -> Iterator[Watch]:
    """Raise Interrupted in the main thread at SIGINT or SIGTERM. Must be called in the main thread.

    All queries of the connections end at once, also those started later in the context. Any error that follows leaves the
    context as Interrupted, and the connections are closed. At a second signal, or if the context does not end within 1.2 s,
    the process exits at once with the same exit code; the next run deletes its unfinished files. `record` is called only in
    this case, because no code after the context runs. `next_step` is part of the error message.
    """
    watch = Watch(connections, record, next_step)
    raised = threading.Event()

    def raise_once(number: int, _frame: FrameType | None) -> None:
        is_first = not raised.is_set()
        raised.set()
        watch.signal_name = watch.signal_name or signal.Signals(number).name
        if not is_first:  # a second exception would break the clean-up after the first
            return
        if _deferral.depth:
            _deferral.error = watch.error()
        else:
            raise watch.error()

    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    listener = threading.Thread(target=_listen, args=(read_end, watch, raised), name="signals", daemon=True)
    handlers_before = {number: signal.getsignal(number) for number in (*STOP_SIGNALS, WAKE_UP_SIGNAL)}
    wakeup_before = signal.set_wakeup_fd(write_end)
    listener.start()
    try:
        signal.signal(WAKE_UP_SIGNAL, lambda *_: None)
        for number in STOP_SIGNALS:
            signal.signal(number, raise_once)
        yield watch
    except Exception as failure:
        if watch.signal_name is None:
            watch.close_all()  # a deleted file uses disk space until it is closed
            raise
        if isinstance(failure, Interrupted):
            raise
        raise watch.error() from failure
    else:
        if watch.signal_name is not None:  # the exception was lost, for example in a destructor
            raise watch.error()
    finally:
        raised.set()
        _deferral.error = None  # an earlier error inside the block leaves as Interrupted
        if watch.signal_name is not None:
            watch.close_all()  # if this hangs, the listener still ends the process
        for number, handler in handlers_before.items():
            signal.signal(number, handler or signal.SIG_DFL)
        signal.set_wakeup_fd(wakeup_before)
        os.close(write_end)  # the listener sees the end of the pipe and ends
        listener.join()
        os.close(read_end)


def _listen(read_end: int, watch: Watch, raised: threading.Event) -> None:
    """Wait for a signal, then interrupt queries until the pipe is closed. End the process at a second signal."""
    main = threading.main_thread().ident
    first_at: float | None = None
    while True:
        if first_at is not None:
            watch.interrupt_all()
            if time.monotonic() - first_at > SECONDS_UNTIL_KILLED:
                _end_process(watch)
        readable, _, _ = select.select([read_end], [], [], None if first_at is None else SECONDS_BETWEEN_INTERRUPTS)
        if not readable:  # a wake-up signal also arrives in this pipe; without this test it would trigger the next one
            if main is not None and not raised.is_set():
                signal.pthread_kill(main, WAKE_UP_SIGNAL)
            continue
        numbers = os.read(read_end, 64)
        if not numbers:
            return
        for number in numbers:
            if number not in STOP_SIGNALS:
                continue
            if first_at is None:
                first_at = time.monotonic()
                watch.signal_name = signal.Signals(number).name
            elif time.monotonic() - first_at > SECONDS_BETWEEN_REPEATS:
                _end_process(watch)


def _end_process(watch: Watch) -> None:
    with contextlib.suppress(OSError):
        os.write(2, f"{log.final_lines(watch.error())}\n".encode())
    if watch.record is not None:
        recording = threading.Thread(target=watch.record, args=(watch.error(),), daemon=True)
        recording.start()
        recording.join(SECONDS_FOR_THE_RECORD)
    os._exit(Interrupted.exit_code)
