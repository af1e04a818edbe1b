"""docs/FAULTS.md, 107 and 111: a log or an output that can't be written, and signals in commands that only read or mail."""

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
    """A folder with the inputs (in) and a published run (out)."""
    folder = tmp_path_factory.mktemp("published")
    mail = f'\n[mail]\nfrom = "funnel@example.com"\nto = ["a@example.com"]\nhost = "localhost"\nport = {DEAF}\nsecurity = "plain"\n'
    toml = commands.copy_of_quarter(folder / "in", mail)
    runs.run(toml, folder / "out", as_of=runs.QUARTER_AS_OF)
    return folder


DEAF = 2525


def program(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "pipeline.cli", *map(str, arguments)]


def started(command: list[str], **streams: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, cwd=runs.REPOSITORY, **({"stdin": subprocess.DEVNULL} | streams))


def run_of_the_quarter(published: Path, output: Path) -> list[str]:
    return program("run", "--config", published / "in" / "funnel.toml", "--output", output, *commands.AS_OF)


def lost(output: Path) -> Mapping[str, Any]:
    """What the manifest says of the log; the record of the run says at least as much."""
    held = json.loads((output / "current" / "manifest.json").read_text("utf-8"))
    (record,) = (output / "attempts").glob("*.json")
    at_the_end = json.loads(record.read_text("utf-8"))["log_lost"]
    assert held["log_lost"]["reason"] == at_the_end["reason"]
    assert 0 < held["log_lost"]["lines"] <= at_the_end["lines"]
    return dict(at_the_end)


@pytest.mark.parametrize("form", ["text", "json"])
@NEEDS_FULL
def test_a_full_disk_under_the_log(published: Path, tmp_path: Path, form: str) -> None:
    """F107: The run goes on and publishes; manifest, record and status say what was lost."""
    out = tmp_path / "out"
    with FULL.open("wb") as full:
        done = started([*run_of_the_quarter(published, out), "--log-format", form], stderr=full)
        assert 0 == done.wait(120)
    assert "no space left on device" == lost(out)["reason"]
    status = subprocess.run(
        program("status", "--output", out), cwd=runs.REPOSITORY, capture_output=True, text=True, check=True
    )
    assert f"log            {lost(out)['lines']:,} lines were lost: no space left on device\n" in status.stdout


def test_a_closed_pipe(published: Path, tmp_path: Path) -> None:
    """F107: Anyone who read the log is gone."""
    out = tmp_path / "out"
    ear, mouth = os.pipe()
    done = started(run_of_the_quarter(published, out), stderr=mouth)
    os.close(mouth)
    os.close(ear)
    assert 0 == done.wait(120)
    assert "broken pipe" == lost(out)["reason"]


def test_no_stderr_at_all(published: Path, tmp_path: Path) -> None:
    """F107: And no other stream; no file of the run gets its number, so no line of the log stands in one."""
    out = tmp_path / "out"
    done = started([sys.executable, "-c", CLOSED, "0,1,2", *run_of_the_quarter(published, out)])
    assert 0 == done.wait(120)
    assert "bad file descriptor" == lost(out)["reason"]
    assert (out / "run.lock").read_text("ascii").startswith("pid ")
    assert 1 == len((out / "run.lock").read_text("ascii").splitlines())


def test_a_terminal_that_closes(published: Path, tmp_path: Path) -> None:
    """F107: Its end is a hang-up signal too, which ends no run."""
    out = tmp_path / "out"
    master, terminal = pty.openpty()
    done = started(
        run_of_the_quarter(published, out), stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
    )
    os.close(terminal)
    os.read(master, 10)
    os.close(master)
    done.send_signal(signal.SIGHUP)
    assert 0 == done.wait(120)
    assert 0 < lost(out)["lines"]


def test_a_log_that_is_whole_is_reported_to_be(published: Path) -> None:
    """F107: Nothing was lost where everything was written."""
    held = json.loads((published / "out" / "current" / "manifest.json").read_text("utf-8"))
    assert held["log_lost"] is None


QUESTIONS = {
    "sql": ("sql", "from range(100000)", "--format", "csv"),
    "short sql": ("sql", "select 1 as one"),
    "explain": ("explain", "L01"),
    "status": ("status",),
}


@pytest.mark.parametrize("question", QUESTIONS)
@NEEDS_FULL
def test_output_to_a_full_disk(published: Path, question: str) -> None:
    """F111: One sentence and what to do; exit code 1."""
    with FULL.open("wb") as full:
        done = started(
            program(*QUESTIONS[question], "--output", published / "out"), stdout=full, stderr=subprocess.PIPE
        )
        _, said = done.communicate(timeout=60)
    assert (
        1,
        "error: the output can't be written: no space left on device\n"
        "  next: free disk space, or redirect the output to another place\n",
    ) == (done.returncode, said.decode())


@pytest.mark.parametrize("question", QUESTIONS)
def test_output_to_a_closed_pipe(published: Path, question: str) -> None:
    """F111: Not a word: who reads `| head` has what it wants."""
    ear, mouth = os.pipe()
    done = started(program(*QUESTIONS[question], "--output", published / "out"), stdout=mouth, stderr=subprocess.PIPE)
    os.close(mouth)
    os.close(ear)
    _, said = done.communicate(timeout=60)
    assert (0, b"") == (done.returncode, said)


def test_no_output_at_all(published: Path) -> None:
    """F111: A closed stdout is told, and is not the number of the database that is read."""
    command = [sys.executable, "-c", CLOSED, "1", *program(*QUESTIONS["sql"], "--output", published / "out")]
    done = started(command, stderr=subprocess.PIPE)
    _, said = done.communicate(timeout=60)
    assert (1, "error: the output can't be written: bad file descriptor") == (
        done.returncode,
        said.decode().splitlines()[0],
    )


@contextmanager
def ended_by(done: subprocess.Popen[bytes], number: signal.Signals) -> Iterator[list[str]]:
    """Send a signal; the command must end with 130 within two seconds. The lines that it said follow."""
    said: list[str] = []
    try:
        sent = time.monotonic()
        done.send_signal(number)
        _, errors = done.communicate(timeout=20)
        assert time.monotonic() - sent < 2
        assert 130 == done.returncode
        said += errors.decode().splitlines()
        yield said
    finally:
        done.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_question(published: Path, number: signal.Signals) -> None:
    """F111: In the middle of a query that would take years: 130 and one sentence."""
    done = started(program("sql", LONG, "--output", published / "out"), stderr=subprocess.PIPE)
    database = (published / "out" / "funnel.duckdb").resolve()
    while database not in {path.resolve() for path in Path(f"/proc/{done.pid}/fd").iterdir()}:
        assert done.poll() is None
        time.sleep(0.05)
    time.sleep(0.5)
    with ended_by(done, number) as said:
        assert [f"error: stopped by {number.name}"] == said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_report(published: Path, number: signal.Signals) -> None:
    """F111: The published one stays."""
    before = (published / "out" / "current").readlink()
    command = program("report", "--config", published / "in" / "funnel.toml", "--output", published / "out")
    done = started(command, stderr=subprocess.PIPE)
    assert done.stderr is not None
    assert b"writing the report\n" == done.stderr.readline()
    with ended_by(done, number) as said:
        assert f"error: stopped by {number.name}" == said[0]
        assert 2 == len(said)
    assert before == (published / "out" / "current").readlink()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_mail(published: Path, number: signal.Signals) -> None:
    """F111: While it waits for a server that takes the connection and says nothing."""
    with socket.create_server(("localhost", 0)) as server:
        port = server.getsockname()[1]
        toml = published / "in" / "funnel.toml"
        other = toml.with_name(f"{number.name}.toml")
        other.write_text(toml.read_text("utf-8").replace(f"port = {DEAF}", f"port = {port}"), "utf-8")
        done = started(program("send", "--config", other, "--output", published / "out"), stderr=subprocess.PIPE)
        connected = threading.Event()

        def take() -> None:
            held = server.accept()
            connected.set()
            time.sleep(5)
            held[0].close()

        threading.Thread(target=take, daemon=True).start()
        assert connected.wait(30)
        with ended_by(done, number) as said:
            assert [
                f"error: stopped by {number.name}",
                "  next: `funnel send` mails it again; some recipients may get it twice",
            ] == said
