"""`funnel status` shows the state of the runs, and its exit code says whether the last run succeeded."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import FunnelError, LockHeld
from pipeline.publish import attempts, lock, status
from tests import runs
from tests.cli.commands import AS_OF, copy_of_quarter, funnel, process, tree

LOOP = "from_lead_id,into_lead_id,merged_at\nL07,L01,2026-02-01\nL01,L07,2026-02-01\n"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published run of the quarter; tests work on copies."""
    output = tmp_path_factory.mktemp("published") / "build"
    with runs.history_only():
        runs.run(runs.QUARTER, output, as_of=runs.QUARTER_AS_OF, clock=datetime.now(UTC))
    return output


@pytest.fixture
def build(published: Path, tmp_path: Path) -> Path:
    """An output folder with one successful run."""
    return Path(shutil.copytree(published, tmp_path / "build", symlinks=True))


def read_status(output: Path, *more: object) -> tuple[int, dict[str, Any]]:
    """The exit code and the parsed output of `--format json`."""
    answer = funnel("status", "--output", output, "--format", "json", *more)
    assert "" == answer.err
    return answer.code, json.loads(answer.out)


def test_a_successful_run_exits_0_and_shows_everything(build: Path) -> None:
    """Status shows run, as-of, newest file of each input, row accounting and checks, and changes no file."""
    before = tree(build)
    code, state = read_status(build)
    last_run = state["last_good"]
    manifest = json.loads((build / "current" / "manifest.json").read_text("utf-8"))
    assert (0, True, [], None, "nothing") == (
        code,
        state["is_good"],
        state["failed"],
        state["running"],
        state["next_step"],
    )
    assert (manifest["run"], "2026-04-01T03:59:59+00:00") == (last_run["run"], last_run["as_of"])
    assert [("crm_history", "stage_entries.csv", 43), ("crm_leads", "leads.csv", 16)] == [
        (each["input"], each["file"], each["rows_read"]) for each in last_run["inputs"]
    ]
    assert manifest["row_accounting"] == last_run["row_accounting"]
    assert (len(manifest["checks"]), [], 2) == (last_run["checks_ran"], last_run["checks_warned"], last_run["warnings"])
    assert last_run["age_hours"] < 1
    text = funnel("status", "--output", build)
    assert 0 == text.code
    assert f"last good run  {last_run['run']}, as of 2026-04-01 03:59 UTC\n" in text.out
    assert "rows           crm_history: 43 rows read, 0 filtered, 3 rejected" in text.out
    assert text.out.endswith("running now    nothing\nnext           nothing\n")
    assert before == tree(build)


def test_without_a_run_status_exits_1_with_the_next_step(tmp_path: Path) -> None:
    """An empty output folder is exit code 1; a missing one is exit code 2."""
    code, state = read_status(tmp_path)
    assert (1, None, f"`funnel run --output {tmp_path}` publishes the first run") == (
        code,
        state["last_good"],
        state["next_step"],
    )
    missing = funnel("status", "--output", tmp_path / "nowhere")
    assert (2, "") == (missing.code, missing.out)
    assert "there is no such output folder" in missing.err


@pytest.mark.usefixtures("history_only")
def test_a_later_failure_is_shown_until_a_run_is_published(build: Path, tmp_path: Path) -> None:
    """Status shows time, exit code, error and next step, without ids; the next successful run clears it."""
    more = '\n[[inputs]]\nname = "crm_merges"\ntable = "merges"\npath = "merges.csv"\n'
    toml = copy_of_quarter(tmp_path / "in", more, merges=LOOP)
    failed = funnel("run", "--config", toml, "--output", build, *AS_OF)
    assert 1 == failed.code
    assert "L07" in failed.err
    code, state = read_status(build)
    (failure,) = state["failed"]
    assert (1, False, 1, "run", "checks") == (
        code,
        state["is_good"],
        failure["exit_code"],
        failure["command"],
        failure["where"],
    )
    assert "Merges form no loop" in failure["what"]
    assert "L07" not in json.dumps(state)
    assert failure["next_step"] == state["next_step"]
    assert datetime.now(UTC) - datetime.fromisoformat(failure["ended_at"]) < timedelta(minutes=1)
    text = funnel("status", "--output", build)
    assert 1 == text.code
    assert "funnel run, exit code 1\n" in text.out
    (toml.parent / "merges.csv").unlink()
    shutil.rmtree(build / "landing" / "crm_merges")
    assert 0 == funnel("run", "--config", runs.QUARTER, "--output", build, *AS_OF).code
    code, state = read_status(build)
    assert (0, []) == (code, state["failed"])


def test_an_invalid_configuration_is_a_failed_run(build: Path, tmp_path: Path) -> None:
    """The run fails before it starts; with --output there is still a run record with the exit code."""
    toml = copy_of_quarter(tmp_path / "in", "\n[nonsense]\n")
    assert 2 == funnel("run", "--config", toml, "--output", build).code
    code, state = read_status(build)
    assert (1, [2]) == (code, [each["exit_code"] for each in state["failed"]])


def test_a_killed_run_is_shown_without_an_end(build: Path) -> None:
    """Status shows a real run with pid and start while it runs, and after kill -9 as a run without an end."""
    command = [sys.executable, "-m", "pipeline.cli", "run", "--config", str(runs.QUARTER), "--output", str(build)]
    with subprocess.Popen(
        [*command, "--full"], cwd=runs.REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as running:
        while len(list((build / "attempts").glob("*.json"))) < 2:
            assert running.poll() is None
            time.sleep(0.01)
        during = read_status(build)
        running.send_signal(signal.SIGKILL)
    assert (0, running.pid, [], "wait for the run in progress") == (
        during[0],
        during[1]["running"]["pid"],
        during[1]["failed"],
        during[1]["next_step"],
    )
    code, state = read_status(build)
    (failure,) = state["failed"]
    assert (1, None, None, status.NOT_ENDED) == (
        code,
        failure["exit_code"],
        failure["ended_at"],
        failure["what"],
    )
    assert during[1]["running"]["since"] == failure["began_at"]
    assert "run again; nothing needs to be cleaned up" == state["next_step"]


def test_ctrl_c_is_recorded_with_130(build: Path) -> None:
    """The record of a stopped run has an end and the signal."""
    command = [sys.executable, "-m", "pipeline.cli", "run", "--config", str(runs.QUARTER), "--output", str(build)]
    with subprocess.Popen(
        [*command, "--full"], cwd=runs.REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr is not None
        while "clean." not in running.stderr.readline():
            assert running.poll() is None
        running.send_signal(signal.SIGINT)
        running.stderr.read()
    assert 130 == running.returncode
    _, state = read_status(build)
    assert [(130, "stopped by SIGINT")] == [(each["exit_code"], each["what"]) for each in state["failed"]]


HANGS = """
import sys, time
from pipeline.cli import cli
from pipeline.ingest.landing import loading

def hangs(*_, **__):
    try: print("works", flush=True); time.sleep(60)
    finally: time.sleep(60)

loading.load_inputs = hangs
cli(sys.argv[1:])
"""


@pytest.mark.parametrize("seconds_to_the_second", [None, 0.4], ids=["one-signal", "two-signals"])
def test_a_run_that_ignores_the_signal_is_recorded_with_130(build: Path, seconds_to_the_second: float | None) -> None:
    """A process that does not handle the signal still stops, and its record has the signal."""
    command = [sys.executable, "-c", HANGS, "run", "--config", str(runs.QUARTER), "--output", str(build)]
    with subprocess.Popen(
        command, cwd=runs.REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as running:
        assert running.stdout is not None
        assert "works\n" == running.stdout.readline()
        running.send_signal(signal.SIGTERM)
        if seconds_to_the_second is not None:
            time.sleep(seconds_to_the_second)
            running.send_signal(signal.SIGTERM)
        assert 130 == running.wait(20)
    code, state = read_status(build)
    assert 1 == code
    assert [(130, "stopped by SIGTERM")] == [(each["exit_code"], each["what"]) for each in state["failed"]]
    assert state["failed"][0]["ended_at"] is not None
    assert "start the run again when you are ready; the published run is complete and unchanged" == state["next_step"]


def test_a_run_older_than_max_age_is_exit_code_1(build: Path) -> None:
    """`--max-age` detects a timer that no longer starts a run."""
    (record,) = (build / "attempts").glob("*.json")
    content = json.loads(record.read_text("utf-8"))
    content["ended_at"] = (datetime.now(UTC) - timedelta(hours=30)).isoformat()
    record.write_text(json.dumps(content), "utf-8")
    code, state = read_status(build, "--max-age", 26)
    assert (1, [], "no run since then: check that cron or the timer starts it") == (
        code,
        state["failed"],
        state["next_step"],
    )
    assert (0, 30) == (read_status(build, "--max-age", 31)[0], int(state["last_good"]["age_hours"]))


def test_reading_the_lock_stops_no_run_from_starting(tmp_path: Path) -> None:
    """A run that meets a reader of the lock tries again; a run that meets another run stops; a reader gets the pid."""
    take_shared_lock = (
        "import sys, fcntl, os, time; d = os.open(sys.argv[1], os.O_RDONLY); fcntl.flock(d, fcntl.LOCK_SH); "
    )
    with lock.hold(tmp_path, runs.CLOCK):
        assert lock.holder(tmp_path) == f"pid {os.getpid()}, started 2026-04-02 03:00:00 UTC"
        with pytest.raises(LockHeld), lock.hold(tmp_path, runs.CLOCK):
            pass
    assert lock.holder(tmp_path) is None
    path = tmp_path / lock.LOCK_NAME
    script = f"{take_shared_lock}print(1, flush=True); time.sleep(0.03)"
    with subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None
        reader.stdout.readline()
        with lock.hold(tmp_path, runs.CLOCK):
            pass


def test_failures_do_not_fill_the_folder(tmp_path: Path) -> None:
    """Only the newest failures are kept, and unreadable records are skipped."""
    (tmp_path / "runs").mkdir()
    (tmp_path / "attempts").mkdir()
    (tmp_path / "attempts" / "20260101T000000Z-0000.json").write_text("{ cut sho")
    for hour in range(attempts.MAX_FAILURES_KEPT + 5):
        recorder = attempts.Recorder(tmp_path, runs.CLOCK + timedelta(hours=hour), "run")
        recorder.failed(FunnelError(f"failure {hour}"))
    records = attempts.read(tmp_path)
    assert attempts.MAX_FAILURES_KEPT == len(records)
    assert f"failure {attempts.MAX_FAILURES_KEPT + 4}" == records[-1].what


def test_a_manifest_that_cannot_be_read_is_an_error_with_a_next_step(build: Path) -> None:
    """For a truncated manifest the exit code is 3, and the message has the file."""
    manifest = (build / "current" / "manifest.json").resolve()
    manifest.chmod(0o644)
    manifest.write_text(manifest.read_text("utf-8")[:100], "utf-8")
    answer = process("status", "--output", build)
    assert (3, "") == (answer.code, answer.out)
    assert f"error: {manifest}: the manifest of the published run can't be read\n  next: " in answer.err
