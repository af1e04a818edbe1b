"""docs/FAULTS.md, 1 to 7, 10, 18 and 19: publishing with real processes and real database files."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.database.connection import connect, connect_published
from pipeline.errors import FunnelError, UsageError
from pipeline.publish import lock, run_folder
from pipeline.settings import Settings

CLOCK = datetime(2026, 4, 1, 3, 59, 59, tzinfo=UTC)
SETTINGS = Settings(memory_limit="500MB", threads=1)
NOBODY = 65534

AS_A_RUN = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from pipeline.errors import FunnelError
from pipeline.publish import lock, run_folder
folder = Path(sys.argv[1])
clock = datetime(2026, 4, 1, 3, 59, 59, tzinfo=UTC)
try:
    with lock.hold(folder, clock):
        run = run_folder.start_run(folder, clock)
        WORK
except FunnelError as failure:
    print(failure, file=sys.stderr)
    sys.exit(failure.exit_code)
"""

AS_AN_ANALYST = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
read = lambda: print(connection.execute("select version from marts.versions").fetchone()[0], flush=True)
read()
sys.stdin.readline()
read()
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


def build_database(path: Path, version: str) -> None:
    connection = connect(path, SETTINGS)
    connection.execute("create schema marts")
    connection.execute("create table marts.versions as select ? as version", [version])
    connection.execute("create table marts.entries as select range as lead_no from range(100000)")
    connection.execute("checkpoint")
    connection.close()


def publish_version(folder: Path, version: str, day: int = 0) -> list[str]:
    """Publish a version with the steps of a run. Returns the warnings."""
    clock = CLOCK + timedelta(days=day)
    with lock.hold(folder, clock):
        run = run_folder.start_run(folder, clock)
        build_database(run.database, version)
        (run.reports / "index.html").write_text(version)
        run_folder.seal(run)
        return run_folder.swap(run)


def read_published_version(folder: Path) -> str:
    """The version in the published database, which must equal that of the report."""
    connection = connect_published(folder / "funnel.duckdb")
    try:
        version, entries = connection.execute(
            "select version, (select count(*) from marts.entries) from marts.versions"
        ).fetchall()[0]
    finally:
        connection.close()
    assert (100000, version) == (entries, (folder / "reports" / "index.html").read_text())
    return str(version)


def test_an_open_connection_keeps_the_last_run(tmp_path: Path) -> None:
    """F01: A connection that is open during the swap keeps the old data; a later one gets the new data."""
    publish_version(tmp_path, "old")
    with killed_after(process(AS_AN_ANALYST, tmp_path / "funnel.duckdb")) as analyst:
        assert "old" == line_of(analyst)
        assert [] == publish_version(tmp_path, "new", day=1)
        assert ("old\n", "") == analyst.communicate("\n", timeout=20)
    assert "new" == read_published_version(tmp_path)


def test_an_analyst_who_opens_during_the_run_sees_the_last_run(tmp_path: Path) -> None:
    """F02: While a run writes its database, the published one can be opened."""
    publish_version(tmp_path, "old")
    work = (
        "import duckdb; connection = duckdb.connect(str(run.database)); "
        "connection.execute('create table t as select 1'); print('building', flush=True); time.sleep(60)"
    )
    with killed_after(run_process(tmp_path, work)) as running:
        assert "building" == line_of(running)
        started = time.monotonic()
        assert "old" == read_published_version(tmp_path)
        assert time.monotonic() - started < 1


def test_opens_during_swaps_never_fail(tmp_path: Path) -> None:
    """F02: Readers that open the database during swaps always get a complete run."""
    publish_version(tmp_path, "0")
    reader = """
import sys, duckdb, os
values, opens = [], 0
while not os.path.exists(sys.argv[2]):
    connection = duckdb.connect(sys.argv[1], read_only=True)
    values.append(int(connection.execute("select version from marts.versions").fetchone()[0])); opens += 1
    connection.close()
print(opens, values == sorted(values))
"""
    with killed_after(process(reader, tmp_path / "funnel.duckdb", tmp_path / "end")) as reading:
        for version in range(1, 13):
            publish_version(tmp_path, str(version), day=version)
            run_folder.prune(tmp_path, 2)
        (tmp_path / "end").touch()
        output, errors = reading.communicate(timeout=20)
    assert ("True", "") == (output.split()[1], errors)
    assert int(output.split()[0]) >= 5


def test_a_published_file_is_not_opened_for_writing(tmp_path: Path) -> None:
    """F03: Mode 0444 refuses a read-write open by the owner (root, who ignores modes, changes its user first)."""
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents[:4]:  # pytest makes them private, one level deeper with several workers
        parent.chmod(parent.stat().st_mode | 0o011)
    publish_version(tmp_path, "old")
    if os.geteuid() == 0:
        for path in (tmp_path, *tmp_path.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    script = f"""
import os, sys, duckdb
duckdb.connect().execute("select 1").fetchall()
if os.geteuid() == 0:
    os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
print(duckdb.connect(sys.argv[1], read_only=True).execute("select version from marts.versions").fetchone()[0])
try:
    duckdb.connect(sys.argv[1], config={{"threads": 1}})
except duckdb.IOException as failure:
    print("Permission denied" in str(failure))
"""
    with killed_after(process(script, tmp_path / "funnel.duckdb")) as analyst:
        assert ("old\nTrue\n", "") == analyst.communicate(timeout=20)


def test_a_second_run_is_refused_within_a_second(tmp_path: Path) -> None:
    """F04: The exit code is 5, with pid and start time of the first run, which continues."""
    with killed_after(run_process(tmp_path, "print('holds', flush=True); time.sleep(60)")) as first:
        assert "holds" == line_of(first)
        started = time.monotonic()
        with pytest.raises(FunnelError) as refusal, lock.hold(tmp_path, CLOCK):
            pass
        assert time.monotonic() - started < 1
        with killed_after(run_process(tmp_path, "print('holds too')")) as second:
            output, errors = second.communicate(timeout=20)
        assert first.poll() is None
    words = f"another run works here: pid {first.pid}, started 2026-04-01 03:59:59 UTC"
    assert words == refusal.value.what
    assert (5, "") == (second.returncode, output)
    assert words in errors


def test_the_next_run_follows_a_killed_one(tmp_path: Path) -> None:
    """F05: After kill -9 the lock is free, the next run removes the incomplete run and its spill, the published run stays."""
    publish_version(tmp_path, "old")
    work = "(run.spill / 'block.tmp').write_text('x'); print(run.building, flush=True); time.sleep(60)"
    with killed_after(run_process(tmp_path, work)) as killed:
        building = Path(line_of(killed))
        assert (building / "spill" / "block.tmp").exists()
        killed.kill()
        killed.wait(20)
    assert "old" == read_published_version(tmp_path)
    publish_version(tmp_path, "new", day=1)
    assert not building.exists()
    assert "new" == read_published_version(tmp_path)


def test_a_removed_lock_file_stops_the_run(tmp_path: Path) -> None:
    """F06: If the lock file was removed and a second run started, the first run does not publish."""
    publish_version(tmp_path, "old")
    work = (
        "run.database.write_text('version'); run_folder.seal(run); print('sealed', flush=True); "
        "sys.stdin.readline(); run_folder.swap(run)"
    )
    with killed_after(run_process(tmp_path, work)) as first:
        assert "sealed" == line_of(first)
        (tmp_path / "run.lock").unlink()
        publish_version(tmp_path, "new", day=1)
        _, errors = first.communicate("\n", timeout=20)
    assert 1 == first.returncode
    assert "the lock file was removed or replaced during the run" in errors
    assert "new" == read_published_version(tmp_path)


@pytest.fixture
def steps(tmp_path: Path) -> tuple[Path, Path, Path]:
    """The path of a new output folder, the files of a new run, and an output folder with the old run."""
    (tmp_path / "new").mkdir()
    build_database(tmp_path / "new" / "funnel.duckdb", "new")
    (tmp_path / "new" / "index.html").write_text("new")
    publish_version(tmp_path / "before", "old")
    return tmp_path / "out", tmp_path / "new", tmp_path / "before"


def results_of(steps: tuple[Path, Path, Path], how: str) -> list[tuple[str, int, list[str]]]:
    out, version, before = steps
    with killed_after(
        process((Path(__file__).parent / "publish_by_steps.py").read_text(), how, out, before, version)
    ) as stepping:
        output, errors = stepping.communicate(timeout=120)
    assert "" == errors
    return [(version, code, left) for version, code, left in json.loads(output)]


def test_a_kill_at_any_step_leaves_the_old_or_the_new_run(steps: tuple[Path, Path, Path]) -> None:
    """F07: After kill -9 before any change of the disk, both links show one complete run, and the next run succeeds."""
    results = results_of(steps, "kill")
    versions = [version for version, _, _ in results]
    first_new = versions.index("new")
    assert ["old"] * first_new + ["new"] * (len(versions) - first_new) == versions
    assert [-signal.SIGKILL] * (len(results) - 1) + [0] == [code for _, code, _ in results]
    assert [[]] * len(results) == [left for _, _, left in results]
    assert first_new > 10
    assert "new" == read_published_version(steps[0])


def test_a_failing_disk_at_any_step_leaves_the_old_or_the_new_run(steps: tuple[Path, Path, Path]) -> None:
    """F07: A disk error at any change gives an error message or the new run, never an incomplete run."""
    results = results_of(steps, "fail")
    assert {("old", 1), ("old", 2), ("new", 1), ("new", 10), ("new", 0)} == {
        (version, code) for version, code, _ in results
    }
    # If the disk fails in the flush after the swap, the run is published with an error.
    assert 1 == [(version, code) for version, code, _ in results].count(("new", 1))


@pytest.mark.parametrize("beside", ["link", "file"])
def test_a_stale_log_is_moved_away_and_never_replayed(tmp_path: Path, beside: str) -> None:
    """F10: A .wal beside the published database is renamed with a warning; the new run is unchanged."""
    publish_version(tmp_path, "old")
    target = run_folder.current(tmp_path)
    assert target is not None
    # A real log of a process that wrote to the file and was killed before the checkpoint.
    writable = tmp_path / "copy.duckdb"
    shutil.copyfile(target, writable)
    script = (
        "import duckdb, os, signal, sys; connection = duckdb.connect(sys.argv[1]); "
        "connection.execute(\"update marts.versions set version = 'replayed'\"); os.kill(os.getpid(), signal.SIGKILL)"
    )
    with process(script, writable) as writer:
        writer.wait(20)
    stale = (tmp_path if beside == "link" else target.parent) / "funnel.duckdb.wal"
    (tmp_path / "copy.duckdb.wal").rename(stale)
    (warning,) = publish_version(tmp_path, "new", day=1)
    assert warning.startswith(f"{stale}: another program opened the published file for writing")
    assert not stale.exists()
    assert 1 == len(list(stale.parent.glob("funnel.duckdb.wal.quarantine-20260402T035959Z-*")))
    assert "new" == read_published_version(tmp_path)


def test_a_missing_parent_folder_is_named(tmp_path: Path) -> None:
    """F18: Parent folders are not created, because a mistyped path would publish to a wrong place."""
    with pytest.raises(UsageError, match="is missing") as refusal, lock.hold(tmp_path / "typo" / "out", CLOCK):
        pass
    assert str(tmp_path / "typo") == refusal.value.where
    assert [] == list(tmp_path.iterdir())


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    """F18: The message has the output folder or runs/ that is a file."""
    (tmp_path / "out").write_text("mine")
    with pytest.raises(UsageError, match="something else has this name") as refusal:
        run_folder.start_run(tmp_path / "out", CLOCK)
    assert str(tmp_path / "out") == refusal.value.where
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "runs").write_text("mine")
    with pytest.raises(UsageError, match="in the way") as refusal:
        run_folder.start_run(tmp_path / "folder", CLOCK)
    assert str(tmp_path / "folder" / "runs") == refusal.value.where


@pytest.mark.parametrize("read_only", ["out", "."])
def test_a_read_only_folder_is_named(tmp_path: Path, read_only: str) -> None:
    """F18: If the folder or its parent is read-only, the exit code is 2 before any work (root changes its user first)."""
    for parent in tmp_path.parents[:4]:  # pytest makes them private, one level deeper with several workers
        parent.chmod(parent.stat().st_mode | 0o011)
    out = tmp_path / "out"
    if read_only == "out":
        out.mkdir(mode=0o555)
        tmp_path.chmod(0o755)
    else:
        tmp_path.chmod(0o555)
    step_down = f"""
import os
if os.geteuid() == 0:
    os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
try:"""
    script = AS_A_RUN.replace("WORK", "print('works')").replace("\ntry:", step_down, 1)
    with killed_after(process(script, out)) as running:
        output, errors = running.communicate(timeout=20)
    tmp_path.chmod(0o755)
    assert (2, "") == (running.returncode, output)
    assert errors.startswith(f"{out}")
    assert "permission denied" in errors


def test_runs_on_another_file_system_are_refused(tmp_path: Path) -> None:
    """F19: A rename between file systems is a copy, so the run is refused at its start and leaves no file."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.fail("this test needs a second file system at /dev/shm")
    elsewhere = memory / f"funnel-test-{os.getpid()}"
    elsewhere.mkdir()
    try:
        (tmp_path / "runs").symlink_to(elsewhere)
        with pytest.raises(UsageError, match="different file systems") as refusal:
            run_folder.start_run(tmp_path, CLOCK)
        assert str(tmp_path / "runs") == refusal.value.where
        assert [] == list(elsewhere.iterdir())
    finally:
        shutil.rmtree(elsewhere)
