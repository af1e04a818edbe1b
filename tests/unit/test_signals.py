from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import threading
import time

import pytest

from pipeline.database import interrupt
from pipeline.errors import Interrupted, ModelError


class Query:
    """Replaces a connection: runs until another thread interrupts it."""

    def __init__(self) -> None:
        self.interrupted = threading.Event()
        self.is_closed = False

    def interrupt(self) -> None:
        self.interrupted.set()

    def close(self) -> None:
        self.is_closed = True


def signal_this_process(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(5)  # a signal ends the sleep at once
    raise AssertionError("the signal did not stop the main thread")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_raised_in_the_main_thread(number: signal.Signals) -> None:
    """Python code raises Interrupted, which names the signal and has exit code 130."""
    with pytest.raises(Interrupted, match=number.name) as stop, interrupt.interruptible():
        signal_this_process(number)
    assert 130 == stop.value.exit_code


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_deferred_to_the_end_of_the_block(number: signal.Signals) -> None:
    """It is deferred to the end of the outermost block."""
    came_to = []
    with pytest.raises(Interrupted, match=number.name), interrupt.interruptible():
        with interrupt.defer_signals():
            with interrupt.defer_signals():
                os.kill(os.getpid(), number)
                time.sleep(0.05)
            came_to.append("the end of the block")
        came_to.append("beyond it")
    assert ["the end of the block"] == came_to


def test_an_error_in_a_deferring_block_is_raised_as_interrupted() -> None:
    """This is so after a signal, as elsewhere; the deferred signal is then cleared."""
    with pytest.raises(Interrupted), interrupt.interruptible(), interrupt.defer_signals():
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.05)
        raise ModelError("half a table")
    with interrupt.interruptible(), interrupt.defer_signals():
        pass


def test_a_deferring_block_of_another_thread_defers_no_signal() -> None:
    """Signals are raised in the main thread."""
    inside, done = threading.Event(), threading.Event()

    def wait() -> None:
        with interrupt.defer_signals():
            inside.set()
            done.wait(10)

    other = threading.Thread(target=wait)
    other.start()
    try:
        assert inside.wait(5)
        with pytest.raises(Interrupted), interrupt.interruptible():
            signal_this_process(signal.SIGINT)
    finally:
        done.set()
        other.join()


def test_a_main_thread_that_ignores_signals_gets_wake_up_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wake-up signal also wakes its sender, which must not send the next one at once."""
    nudges = []
    nudge = signal.pthread_kill

    def record_signal(thread: int, number: int) -> None:
        nudges.append(number)
        nudge(thread, number)

    monkeypatch.setattr(signal, "pthread_kill", record_signal)
    monkeypatch.setattr(interrupt, "SECONDS_UNTIL_KILLED", 60)
    with pytest.raises(Interrupted), interrupt.interruptible():
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM)).start()
        hashlib.pbkdf2_hmac("sha256", b"", b"", 1_000_000)  # one call that ignores signals
    assert 1 <= len(nudges) <= 100


def test_every_connection_is_interrupted() -> None:
    """Connections from the start and added later are interrupted by another thread, and closed at the end."""
    first, second = Query(), Query()
    with pytest.raises(Interrupted), interrupt.interruptible(first) as watch:
        watch.add(second)
        try:
            signal_this_process(signal.SIGTERM)
        finally:
            assert [True, True] == [query.interrupted.wait(2) for query in (first, second)]
    assert [True, True] == [query.is_closed for query in (first, second)]


def test_interrupts_continue_until_the_context_ends() -> None:
    """A query that starts after the signal is stopped too."""
    query = Query()
    with pytest.raises(Interrupted), interrupt.interruptible(query):
        try:
            signal_this_process(signal.SIGTERM)
        finally:
            query.interrupted.wait(2)
            query.interrupted.clear()
            assert query.interrupted.wait(2)


def test_a_closed_connection_does_not_stop_the_other_interrupts() -> None:
    """interrupt() of a closed connection raises, and the next connection is still interrupted."""

    class Closed:
        def interrupt(self) -> None:
            raise RuntimeError("closed")

        def close(self) -> None:
            raise RuntimeError("closed")

    query = Query()
    with pytest.raises(Interrupted), interrupt.interruptible(Closed(), query):
        try:
            signal_this_process(signal.SIGINT)
        finally:
            assert query.interrupted.wait(2)


def test_an_error_caused_by_the_signal_is_raised_as_interrupted() -> None:
    """A layer that wraps the interrupted query in its own error can't hide the signal."""
    with pytest.raises(Interrupted), interrupt.interruptible():
        try:
            signal_this_process(signal.SIGINT)
        except Interrupted as stop:
            raise ModelError("a model failed") from stop


def test_a_caught_signal_still_stops_the_run() -> None:
    """Code that catches every exception can't make an interrupted run succeed."""
    with pytest.raises(Interrupted), interrupt.interruptible(), contextlib.suppress(Exception):
        signal_this_process(signal.SIGINT)


def test_two_signals_in_short_time_are_one() -> None:
    """`timeout` signals a process twice; the second signal does not disturb the clean-up."""
    cleaned_up = False
    with pytest.raises(Interrupted), interrupt.interruptible():
        try:
            signal_this_process(signal.SIGTERM)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.01)
            cleaned_up = True
    assert cleaned_up


def test_other_errors_pass_unchanged() -> None:
    """Without a signal the context has no effect on errors."""
    with pytest.raises(ModelError, match="a model failed"), interrupt.interruptible():
        raise ModelError("a model failed")


def test_everything_is_restored() -> None:
    """Handlers, the wake-up descriptor and the threads are as before."""
    before = (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), threading.active_count())
    with interrupt.interruptible():
        assert before[0] != signal.getsignal(signal.SIGINT)
    after = (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), threading.active_count())
    assert before == after
    assert -1 == signal.set_wakeup_fd(-1)
