"""Errors of publishing, and messages on a published file that does not open."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from pipeline.errors import FunnelError, UsageError
from pipeline.publish import lock, run_folder
from tests.faults.test_published_file import checksum
from tests.unit.limits import without_rights

CLOCK = datetime(2026, 4, 1, 3, 59, 59, tzinfo=UTC)


def test_a_folder_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    """The error comes before any work, even if runs/ exists from an earlier run."""
    out = tmp_path / "out"
    (out / "runs").mkdir(parents=True)
    (out / "runs").chmod(0o555)
    out.chmod(0o555)
    with without_rights(tmp_path), pytest.raises(UsageError) as refusal:
        run_folder.start_run(out, CLOCK)
    assert "the output folder can't be written: permission denied" == refusal.value.what
    assert (str(out), 2) == (refusal.value.where, refusal.value.exit_code)
    assert [] == list((out / "runs").iterdir())


def test_an_existing_id_is_not_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This includes the id of a run in progress."""
    (tmp_path / "runs" / "20260401T035959Z-aaaa").mkdir(parents=True)
    (tmp_path / "runs" / "20260401T035959Z-bbbb.building").mkdir()
    drawn = iter(["aaaa", "bbbb", "aaaa", "cccc"])
    monkeypatch.setattr(secrets, "token_hex", lambda _: next(drawn))
    assert "20260401T035959Z-cccc" == run_folder.start_run(tmp_path, CLOCK).id


def test_a_run_that_was_not_sealed_is_not_published(tmp_path: Path) -> None:
    """No link is created to a missing folder."""
    with lock.hold(tmp_path, CLOCK):
        run = run_folder.start_run(tmp_path, CLOCK)
        with pytest.raises(FunnelError, match="no sealed run to publish") as refusal:
            run_folder.swap(run)
    assert (str(run.sealed), "start the run again") == (refusal.value.where, refusal.value.next_step)
    assert not (tmp_path / "current").is_symlink()


def test_prune_without_runs_changes_nothing(tmp_path: Path) -> None:
    """A folder without runs/ stays unchanged."""
    assert [] == run_folder.prune(tmp_path, 2)
    assert [] == list(tmp_path.iterdir())


def database(folder: Path) -> Path:
    path = folder / "funnel.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table runs as select 1 as run")
    return path


def open_error(path: Path) -> FunnelError:
    """Our error for the error of DuckDB."""
    with pytest.raises(duckdb.Error) as failure:
        duckdb.connect(str(path), read_only=True)
    return run_folder.open_errors(path, failure.value)


def test_an_unreadable_file_is_reported_with_its_owner(tmp_path: Path) -> None:
    """The message does not call it corrupt."""
    path = database(tmp_path)
    path.chmod(0)
    with without_rights(tmp_path):
        error = open_error(path)
    assert ("the published file can't be read by this user", str(path), "ask its owner for read access", 2) == (
        error.what,
        error.where,
        error.next_step,
        error.exit_code,
    )


def test_a_file_that_becomes_unreadable_is_reported_for_any_duckdb_error(tmp_path: Path) -> None:
    """An open connection gets another DuckDB error than a new one."""
    path = database(tmp_path)
    path.chmod(0)
    with without_rights(tmp_path):
        error = run_folder.open_errors(path, duckdb.IOException("Could not read enough bytes"))
    assert "the published file can't be read by this user" == error.what


def test_a_file_that_another_program_writes_is_reported(tmp_path: Path) -> None:
    """A second process has it open."""
    path = database(tmp_path)
    script = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.readline()"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert "open\n" == other.stdout.readline()
        error = open_error(path)
        other.communicate("\n", timeout=20)
    assert ("another program has the published file open for writing", str(path), "close that program", 2) == (
        error.what,
        error.where,
        error.next_step,
        error.exit_code,
    )


def test_a_file_of_another_duckdb_is_reported_with_both_versions(tmp_path: Path) -> None:
    """The version comes from the file header; an invalid version is not repeated."""
    path = database(tmp_path)
    newer = bytearray(path.read_bytes())
    newer[12:20] = (250).to_bytes(8, "little")
    unknown = "of an unknown version"
    for name, version in ((b"v9.8.7", "v9.8.7"), (b"<script>", unknown), (b"v1.\xff", unknown)):
        newer[52:84] = name.ljust(32, b"\0")
        newer[:8] = checksum(bytes(newer[8:4096]))
        path.write_bytes(newer)
        error = open_error(path)
        assert (
            f"the file was written by DuckDB {version} (storage version 250), and this is DuckDB v{duckdb.__version__}, "
            "which can't read it"
        ) == error.what
        assert (str(path), 3) == (error.where, error.exit_code)
        assert "funnel run --from-log" in error.next_step


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("IO Error: Cannot open file: Permission denied", "the published file can't be read by this user"),
        ("trying to read a file with storage version greater than", "the file was written by DuckDB"),
        ("trying to read a database file with version number 999", "the file was written by DuckDB"),
        ("Could not set lock on file", "another program has the published file open for writing"),
        ("Failure while reading", "the database file is corrupt"),
    ],
)
def test_an_error_of_duckdb_is_reported_in_plain_words(tmp_path: Path, text: str, expected: str) -> None:
    """The texts are those of this and other versions of DuckDB."""
    path = database(tmp_path)
    error = run_folder.open_errors(path, duckdb.IOException(text))
    assert error.what.startswith(expected)
    assert str(path) == error.where


def test_a_truncated_file_is_reported_with_the_rebuild(tmp_path: Path) -> None:
    """The next step is a rebuild from the log."""
    path = database(tmp_path)
    path.write_bytes(path.read_bytes()[:100])
    error = open_error(path)
    assert "the database file is corrupt (truncated, or changed on the disk)" == error.what
    assert "rebuild it from the landing log with `funnel run --from-log`" == error.next_step


def test_a_file_in_place_of_runs_is_never_replaced(tmp_path: Path) -> None:
    """This includes a dangling link."""
    for number in range(2):
        out = tmp_path / str(number)
        out.mkdir()
        if number:
            (out / "runs").symlink_to(out / "unmounted")
        else:
            (out / "runs").write_text("mine")
        with pytest.raises(UsageError, match="is in the way: the runs are stored in a folder of this name") as refusal:
            run_folder.start_run(out, CLOCK)
        assert str(out / "runs") == refusal.value.where


def test_runs_on_another_file_system_is_refused(tmp_path: Path) -> None:
    """A rename to it is impossible; no file is left."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:
        assert Path(elsewhere).stat().st_dev != tmp_path.stat().st_dev, (
            "this test needs a second file system at /dev/shm"
        )
        (tmp_path / "runs").symlink_to(elsewhere)
        with pytest.raises(UsageError, match="different file systems") as refusal:
            run_folder.start_run(tmp_path, CLOCK)
        assert (str(tmp_path / "runs"), []) == (refusal.value.where, list(Path(elsewhere).iterdir()))


def seal_run(out: Path, text: str, clock: datetime = CLOCK) -> run_folder.RunFolder:
    run = run_folder.start_run(out, clock)
    run.database.write_text(text)
    run_folder.seal(run)
    return run


def test_a_wal_file_beside_a_run_is_renamed_and_kept(tmp_path: Path) -> None:
    """This is so beside the link, the published run and the new one; a second run keeps the earlier ones."""
    with lock.hold(tmp_path, CLOCK):
        first = seal_run(tmp_path, "first")
        run_folder.swap(first)
        second = seal_run(tmp_path, "second")
        logs = [tmp_path / "funnel.duckdb.wal", second.sealed / "funnel.duckdb.wal.checkpoint"]
        logs.append(first.sealed / "funnel.duckdb.wal")
        for log in logs:
            log.write_text(f"kept of {log.parent.name}")
        warnings = run_folder.swap(second)
        assert [str(log) for log in logs] == [warning.split(": ")[0] for warning in warnings]
        for log, warning in zip(logs, warnings, strict=True):
            aside = log.with_name(f"{log.name}.quarantine-{second.id}")
            assert f"its changes are in {aside.name} and are not part of the published run" in warning
            assert f"kept of {log.parent.name}" == aside.read_text()
            assert not log.exists()
        assert [] == run_folder.swap(seal_run(tmp_path, "third"))
    assert "third" == (tmp_path / "funnel.duckdb").read_text()


def test_a_file_of_an_earlier_run_keeps_its_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is a hard link to an earlier run's page keeps its mode."""
    with lock.hold(tmp_path, CLOCK):
        run = run_folder.start_run(tmp_path, CLOCK)
        run.database.write_text("text")
        (run.reports / "old.html").write_text("page")
        (run.reports / "old.html").chmod(0o444)
        changed: list[str] = []
        chmod = Path.chmod
        monkeypatch.setattr(Path, "chmod", lambda path, mode: (changed.append(path.name), chmod(path, mode))[1])
        run_folder.seal(run)
    assert ("funnel.duckdb" in changed, "old.html" in changed) == (True, False)


def test_a_leftover_link_of_the_same_pid_is_replaced(tmp_path: Path) -> None:
    """In a container every run may have pid 1."""
    with lock.hold(tmp_path, CLOCK):
        run = seal_run(tmp_path, "text")
        for name in ("current", "reports"):
            (tmp_path / f"{name}.new-{os.getpid()}").symlink_to("runs/nowhere")
        run_folder.swap(run)
    assert "text" == (tmp_path / "funnel.duckdb").read_text()
    assert ["current", "funnel.duckdb", "reports", "run.lock", "runs"] == sorted(
        path.name for path in tmp_path.iterdir()
    )


def test_a_sealed_run_has_the_mode_of_the_output_folder(tmp_path: Path) -> None:
    """It is private during the build; then each of its folders has that mode."""
    tmp_path.chmod(0o750)
    run = run_folder.start_run(tmp_path, CLOCK)
    run.database.write_text("text")
    assert 0o700 == run.building.stat().st_mode & 0o777
    run_folder.seal(run)
    assert [0o750] * 2 == [folder.stat().st_mode & 0o777 for folder in (run.sealed, run.sealed / "reports")]


@pytest.mark.parametrize("named", [None, "a page"])
def test_a_broken_disk_is_reported_with_the_file_or_else_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str | None
) -> None:
    """A flush error has no file name, so the message has the output folder."""
    run = run_folder.start_run(tmp_path, CLOCK)
    run.database.write_text("text")

    def broken(_path: Path) -> None:
        raise OSError(5, "Input/output error", named)

    monkeypatch.setattr(lock, "flush", broken)
    with pytest.raises(FunnelError, match="the run can't be flushed to disk: input/output error") as failure:
        run_folder.seal(run)
    assert (named or str(tmp_path)) == failure.value.where


def test_a_broken_disk_while_publishing_is_reported_with_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This is so while the run is published."""
    run = seal_run(tmp_path, "first")

    def broken(_path: Path) -> None:
        raise OSError(5, "Input/output error")

    with lock.hold(tmp_path, CLOCK):
        monkeypatch.setattr(lock, "flush", broken)
        with pytest.raises(FunnelError, match="the run can't be published: input/output error") as failure:
            run_folder.swap(run)
    assert str(tmp_path) == failure.value.where


def test_a_run_that_can_t_be_removed_stops_no_run(tmp_path: Path) -> None:
    """If its files belong to another user, it stays half removed under a name that is not read, and no run stops."""
    out = tmp_path / "out"
    out.mkdir()
    with lock.hold(out, CLOCK):
        old = seal_run(out, "first")
        run_folder.swap(seal_run(out, "second", CLOCK + timedelta(days=1)))
    for path in (out, out / "runs", out / lock.LOCK_NAME):
        path.chmod(0o777)
    with without_rights(out), lock.hold(out, CLOCK):
        assert [old.id] == run_folder.prune(out, 1)
        run = run_folder.start_run(out, CLOCK)
    assert run.building.is_dir()
    assert (out / "runs" / f"{old.id}.removing").is_dir()
    assert not old.sealed.exists()
