"""docs/FAULTS.md, 11: a signal stops a run within two seconds, with real processes and queries; the old run stays."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.publish import lock, run_folder

CLOCK = datetime(2026, 4, 1, 3, 59, 59, tzinfo=UTC)

AS_A_RUN = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from pipeline import log
from pipeline.database import interrupt
from pipeline.errors import FunnelError
from pipeline.publish import lock, run_folder
folder = Path(sys.argv[1])
clock = datetime(2026, 4, 1, 3, 59, 59, tzinfo=UTC)
try:
    with lock.hold(folder, clock):
        run = run_folder.start_run(folder, clock)
        WORK
except FunnelError as failure:
    print(log.final_lines(failure), file=sys.stderr)
    sys.exit(failure.exit_code)
"""


def run_process(folder: Path, work: str) -> subprocess.Popen[str]:
    """A run in its own process that starts in `folder` and then does `work`."""
    return process(AS_A_RUN.replace("WORK", work), folder)


def process(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def line_of(running: subprocess.Popen[str]) -> str:
    assert running.stdout is not None
    return running.stdout.readline().strip()


@contextlib.contextmanager
def killed_after(running: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    with running:
        try:
            yield running
        finally:
            running.kill()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An output folder with a published run."""
    with lock.hold(tmp_path, CLOCK):
        run = run_folder.start_run(tmp_path, CLOCK)
        run.database.write_text("old")
        run_folder.seal(run)
        run_folder.swap(run)
    return tmp_path


LONG_QUERY = (
    "import duckdb; connection = duckdb.connect(str(run.database))\n"
    "        with interrupt.interruptible(connection):\n"
    "            print('query', flush=True)\n"
    "            connection.execute('select count(*) from range(100000000) a, range(100000000) b "
    "where (a.range * b.range) % 7 = 3').fetchall()"
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_long_query_within_two_seconds(out: Path, number: signal.Signals) -> None:
    """F11: During a very long cross join the exit code is 130 after clean-up; the published run stays."""
    work = f"import atexit; atexit.register(print, 'cleaned up')\n        {LONG_QUERY}"
    with killed_after(run_process(out, work)) as running:
        assert "query" == line_of(running)
        time.sleep(0.5)
        started = time.monotonic()
        running.send_signal(number)
        output, errors = running.communicate(timeout=20)
        seconds = time.monotonic() - started
    assert (130, "cleaned up\n") == (running.returncode, output)
    assert f"error: stopped by {number.name}" == errors.splitlines()[0]
    assert seconds < 2
    assert "old" == (out / "funnel.duckdb").read_text()


def test_a_query_after_the_signal_is_stopped_too(out: Path) -> None:
    """F11: Code that ignores the first error and queries again is stopped too."""
    work = LONG_QUERY.replace(
        "            connection.execute",
        "            for _ in range(3):\n"
        "              with __import__('contextlib').suppress(Exception):\n"
        "                connection.execute",
    )
    with killed_after(run_process(out, work)) as running:
        assert "query" == line_of(running)
        time.sleep(0.5)
        started = time.monotonic()
        running.send_signal(signal.SIGTERM)
        assert 130 == running.wait(20)
        assert time.monotonic() - started < 2


def test_a_second_signal_ends_the_process_at_once(out: Path) -> None:
    """F11: If the clean-up hangs, a second Ctrl-C stops the process with the same exit code."""
    work = (
        "with interrupt.interruptible():\n"
        "            try: print('works', flush=True); time.sleep(60)\n"
        "            finally: print('hangs', flush=True); time.sleep(60)"
    )
    with killed_after(run_process(out, work)) as running:
        assert "works" == line_of(running)
        running.send_signal(signal.SIGINT)
        assert "hangs" == line_of(running)
        time.sleep(0.3)
        running.send_signal(signal.SIGINT)
        assert 130 == running.wait(0.8)


def test_a_signal_that_interrupts_no_wait_is_handled(out: Path) -> None:
    """F11: A signal right before a wait, or to another thread, does not interrupt the wait of the main thread."""
    work = (
        "import threading, signal\n"
        "        def signalled():\n"
        "            time.sleep(0.3); signal.pthread_kill(threading.get_ident(), signal.SIGTERM)\n"
        "        with interrupt.interruptible():\n"
        "            try:\n"
        "                threading.Thread(target=signalled, daemon=True).start(); time.sleep(60)\n"
        "            finally: print('cleaned up', flush=True)"
    )
    with killed_after(run_process(out, work)) as running:
        output, errors = running.communicate(timeout=20)
    assert (130, "cleaned up\n", "error: stopped by SIGTERM") == (running.returncode, output, errors.splitlines()[0])


def test_a_function_that_ignores_the_interrupt_is_stopped(out: Path) -> None:
    """F11: A call over a list of twenty million values may ignore the interrupt; the run still stops in two seconds."""
    query = (
        "select len(list_sort(list_transform(range(n), lambda x: hash(x)))) from (select 20000000 + random()::int n)"
    )
    work = (
        "import duckdb; connection = duckdb.connect()\n"
        "        with interrupt.interruptible(connection):\n"
        "            print('query', flush=True)\n"
        f"            connection.execute({query!r}).fetchall()"
    )
    with killed_after(run_process(out, work)) as running:
        assert "query" == line_of(running)
        time.sleep(0.5)
        started = time.monotonic()
        running.send_signal(signal.SIGTERM)
        _, errors = running.communicate(timeout=20)
        assert time.monotonic() - started < 2
    assert (130, "error: stopped by SIGTERM") == (running.returncode, errors.splitlines()[0])
