"""docs/FAULTS.md, 107 and 111: a log or output that can't be written, and signals in commands that read or mail."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import runs
from tests.cli import commands

FULL = Path("/dev/full")
CLOSED = "import os, sys; [os.close(int(each)) for each in sys.argv[1].split(',')]; os.execv(sys.argv[2], sys.argv[2:])"
NEEDS_FULL = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
LONG = "select count(*) from range(100000000) a, range(100000000) b where (a.range * b.range) % 7 = 3"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with inputs (in) and a published run (out)."""
    folder = tmp_path_factory.mktemp("published")
    mail = (
        '\n[mail]\nfrom = "funnel@example.com"\nto = ["a@example.com"]\nreport_url = "https://reports.example.com/"\n'
        f'host = "localhost"\nport = {DEAF}\nsecurity = "plain"\n'
    )
    toml = commands.copy_of_quarter(folder / "in", mail)
    runs.run(toml, folder / "out", as_of=runs.QUARTER_AS_OF)
    return folder


DEAF = 2525


def program(*arguments: object, module: str = "pipeline.cli") -> list[str]:
    return [sys.executable, "-m", module, *map(str, arguments)]


def start(command: list[str], **streams: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, cwd=runs.REPOSITORY, **({"stdin": subprocess.DEVNULL} | streams))


def run_of_the_quarter(published: Path, output: Path, *, history_only: bool = True) -> list[str]:
    arguments = ("run", "--config", published / "in" / "funnel.toml", "--output", output, *commands.AS_OF)
    return program(*arguments, module="tests.cli.history_only" if history_only else "pipeline.cli")


def lost_log_lines(output: Path) -> Mapping[str, Any]:
    """The lost log lines in the run record, which must be at least those of the manifest."""
    manifest = json.loads((output / "current" / "manifest.json").read_text("utf-8"))
    (record,) = (output / "attempts").glob("*.json")
    at_the_end = json.loads(record.read_text("utf-8"))["log_lost"]
    assert manifest["log_lost"]["reason"] == at_the_end["reason"]
    assert 0 < manifest["log_lost"]["lines"] <= at_the_end["lines"]
    return dict(at_the_end)


@pytest.mark.parametrize("form", ["text", "json"])
@NEEDS_FULL
def test_a_run_whose_log_disk_is_full_publishes(published: Path, tmp_path: Path, form: str) -> None:
    """F107: Manifest, run record and status have the number of lost lines and the reason."""
    out = tmp_path / "out"
    with FULL.open("wb") as full:
        done = start([*run_of_the_quarter(published, out), "--log-format", form], stderr=full)
        assert 0 == done.wait(120)
    assert "no space left on device" == lost_log_lines(out)["reason"]
    status = subprocess.run(
        program("status", "--output", out), cwd=runs.REPOSITORY, capture_output=True, text=True, check=True
    )
    assert (
        f"log            {lost_log_lines(out)['lines']:,} lines were lost: no space left on device\n" in status.stdout
    )


def test_a_run_whose_log_pipe_is_closed_publishes(published: Path, tmp_path: Path) -> None:
    """F107: The reader of the log has exited."""
    out = tmp_path / "out"
    read_end, write_end = os.pipe()
    done = start(run_of_the_quarter(published, out), stderr=write_end)
    os.close(write_end)
    os.close(read_end)
    assert 0 == done.wait(120)
    assert "broken pipe" == lost_log_lines(out)["reason"]


def test_a_run_without_standard_streams_publishes(published: Path, tmp_path: Path) -> None:
    """F107: No file of the run gets the number of a closed stream, so no log line is written into it."""
    out = tmp_path / "out"
    done = start([sys.executable, "-c", CLOSED, "0,1,2", *run_of_the_quarter(published, out, history_only=False)])
    assert 0 == done.wait(120)
    assert "bad file descriptor" == lost_log_lines(out)["reason"]
    assert (out / "run.lock").read_text("ascii").startswith("pid ")
    assert 1 == len((out / "run.lock").read_text("ascii").splitlines())


def test_a_run_whose_terminal_closes_publishes(published: Path, tmp_path: Path) -> None:
    """F107: The hang-up signal of the terminal stops no run."""
    out = tmp_path / "out"
    master, terminal = pty.openpty()
    done = start(
        run_of_the_quarter(published, out), stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
    )
    os.close(terminal)
    os.read(master, 10)
    os.close(master)
    done.send_signal(signal.SIGHUP)
    assert 0 == done.wait(120)
    assert 0 < lost_log_lines(out)["lines"]


def test_a_complete_log_has_no_lost_lines(published: Path) -> None:
    """F107: If every line was written, log_lost is null."""
    manifest = json.loads((published / "out" / "current" / "manifest.json").read_text("utf-8"))
    assert manifest["log_lost"] is None


QUESTIONS = {
    "sql": ("sql", "from range(100000)", "--format", "csv"),
    "short sql": ("sql", "select 1 as one"),
    "explain": ("explain", "L01"),
    "status": ("status",),
}


@pytest.mark.parametrize("question", QUESTIONS)
@NEEDS_FULL
def test_output_to_a_full_disk_is_one_error(published: Path, question: str) -> None:
    """F111: The message has the cause and the next step; the exit code is 1."""
    with FULL.open("wb") as full:
        done = start(program(*QUESTIONS[question], "--output", published / "out"), stdout=full, stderr=subprocess.PIPE)
        _, errors = done.communicate(timeout=60)
    assert (
        1,
        "error: the output can't be written: no space left on device\n"
        "  next: free disk space, or redirect the output to another place\n",
    ) == (done.returncode, errors.decode())


@pytest.mark.parametrize("question", QUESTIONS)
def test_output_to_a_closed_pipe_is_no_error(published: Path, question: str) -> None:
    """F111: Nothing is printed, because the reader of `| head` has all it needs."""
    read_end, write_end = os.pipe()
    done = start(program(*QUESTIONS[question], "--output", published / "out"), stdout=write_end, stderr=subprocess.PIPE)
    os.close(write_end)
    os.close(read_end)
    _, errors = done.communicate(timeout=60)
    assert (0, b"") == (done.returncode, errors)


def test_a_closed_stdout_is_an_error(published: Path) -> None:
    """F111: The database does not get the number of the closed stdout."""
    command = [sys.executable, "-c", CLOSED, "1", *program(*QUESTIONS["sql"], "--output", published / "out")]
    done = start(command, stderr=subprocess.PIPE)
    _, errors = done.communicate(timeout=60)
    assert (1, "error: the output can't be written: bad file descriptor") == (
        done.returncode,
        errors.decode().splitlines()[0],
    )


@contextmanager
def stopped_by(done: subprocess.Popen[bytes], number: signal.Signals) -> Iterator[list[str]]:
    """Send a signal, which must stop the command within two seconds with 130; yields the lines of stderr."""
    try:
        sent = time.monotonic()
        done.send_signal(number)
        _, errors = done.communicate(timeout=20)
        assert time.monotonic() - sent < 2
        assert 130 == done.returncode
        yield errors.decode().splitlines()
    finally:
        done.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_query(published: Path, number: signal.Signals) -> None:
    """F111: A signal during a very long query gives 130 and one sentence."""
    done = start(program("sql", LONG, "--output", published / "out"), stderr=subprocess.PIPE)
    database = (published / "out" / "funnel.duckdb").resolve()
    while database not in {path.resolve() for path in Path(f"/proc/{done.pid}/fd").iterdir()}:
        assert done.poll() is None
        time.sleep(0.05)
    time.sleep(0.5)
    with stopped_by(done, number) as lines:
        assert [f"error: stopped by {number.name}"] == lines


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_report(published: Path, number: signal.Signals) -> None:
    """F111: The published report stays."""
    before = (published / "out" / "current").readlink()
    command = program("report", "--config", published / "in" / "funnel.toml", "--output", published / "out")
    done = start(command, stderr=subprocess.PIPE)
    assert done.stderr is not None
    assert b"writing the report\n" == done.stderr.readline()
    with stopped_by(done, number) as lines:
        assert f"error: stopped by {number.name}" == lines[0]
        assert 2 == len(lines)
    assert before == (published / "out" / "current").readlink()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_mail(published: Path, number: signal.Signals) -> None:
    """F111: The mail waits for a server that accepts the connection and does not answer."""
    with socket.create_server(("localhost", 0)) as server:
        port = server.getsockname()[1]
        toml = published / "in" / "funnel.toml"
        other = toml.with_name(f"{number.name}.toml")
        other.write_text(toml.read_text("utf-8").replace(f"port = {DEAF}", f"port = {port}"), "utf-8")
        done = start(program("send", "--config", other, "--output", published / "out"), stderr=subprocess.PIPE)
        connected = threading.Event()

        def accept_connection() -> None:
            connection = server.accept()
            connected.set()
            time.sleep(5)
            connection[0].close()

        threading.Thread(target=accept_connection, daemon=True).start()
        assert connected.wait(30)
        with stopped_by(done, number) as lines:
            assert [
                f"error: stopped by {number.name}",
                "  next: `funnel send` mails it again; some recipients may get it twice",
            ] == lines
