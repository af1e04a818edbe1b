"""Publishing where something is not as it should be, and what the user is told of a published file that does not open."""

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
    """Before any work, though its runs/ is there from an earlier run."""
    out = tmp_path / "out"
    (out / "runs").mkdir(parents=True)
    (out / "runs").chmod(0o555)
    out.chmod(0o555)
    with without_rights(tmp_path), pytest.raises(UsageError) as refusal:
        run_folder.start_run(out, CLOCK)
    assert "the output folder can't be written: permission denied" == refusal.value.what
    assert (str(out), 2) == (refusal.value.where, refusal.value.exit_code)
    assert [] == list((out / "runs").iterdir())


def test_an_id_that_is_taken_is_not_given_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither that of a run nor that of one which is being built."""
    (tmp_path / "runs" / "20260401T035959Z-aaaa").mkdir(parents=True)
    (tmp_path / "runs" / "20260401T035959Z-bbbb.building").mkdir()
    drawn = iter(["aaaa", "bbbb", "aaaa", "cccc"])
    monkeypatch.setattr(secrets, "token_hex", lambda _: next(drawn))
    assert "20260401T035959Z-cccc" == run_folder.start_run(tmp_path, CLOCK).id


def test_a_run_that_was_not_sealed_is_not_published(tmp_path: Path) -> None:
    """No link is made to a folder that is not there."""
    with lock.hold(tmp_path, CLOCK):
        run = run_folder.start_run(tmp_path, CLOCK)
        with pytest.raises(FunnelError, match="no sealed run to publish") as refusal:
            run_folder.swap(run)
    assert (str(run.sealed), "start the run again") == (refusal.value.where, refusal.value.next_step)
    assert not (tmp_path / "current").is_symlink()


def test_nothing_is_pruned_where_there_is_no_run(tmp_path: Path) -> None:
    """A folder without runs/ stays as it is."""
    assert [] == run_folder.prune(tmp_path, 2)
    assert [] == list(tmp_path.iterdir())


def database(folder: Path) -> Path:
    path = folder / "funnel.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table nights as select 1 as night")
    return path


def told_of(path: Path) -> FunnelError:
    """What is said of the error that DuckDB itself meets."""
    with pytest.raises(duckdb.Error) as failure:
        duckdb.connect(str(path), read_only=True)
    return run_folder.open_errors(path, failure.value)


def test_a_file_that_this_user_may_not_read_is_reported(tmp_path: Path) -> None:
    """And is not called corrupt."""
    path = database(tmp_path)
    path.chmod(0)
    with without_rights(tmp_path):
        told = told_of(path)
    assert ("the published file can't be read by this user", str(path), "ask its owner for read access", 2) == (
        told.what,
        told.where,
        told.next_step,
        told.exit_code,
    )


def test_a_file_that_became_unreadable_is_reported_whatever_duckdb_says(tmp_path: Path) -> None:
    """A session that was open when the right was taken away meets another error than who opens the file."""
    path = database(tmp_path)
    path.chmod(0)
    with without_rights(tmp_path):
        told = run_folder.open_errors(path, duckdb.IOException("Could not read enough bytes"))
    assert "the published file can't be read by this user" == told.what


def test_a_file_that_another_program_writes_is_reported(tmp_path: Path) -> None:
    """A second process has it open, really."""
    path = database(tmp_path)
    script = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.readline()"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert "open\n" == other.stdout.readline()
        told = told_of(path)
        other.communicate("\n", timeout=20)
    assert ("another program has the published file open for writing", str(path), "close that program", 2) == (
        told.what,
        told.where,
        told.next_step,
        told.exit_code,
    )


def test_a_file_of_another_duckdb_is_reported_with_both_versions(tmp_path: Path) -> None:
    """By the version in the file's own head; a head that names none is not repeated."""
    path = database(tmp_path)
    newer = bytearray(path.read_bytes())
    newer[12:20] = (250).to_bytes(8, "little")
    unknown = "of an unknown version"
    for name, shown in ((b"v9.8.7", "v9.8.7"), (b"<script>", unknown), (b"v1.\xff", unknown)):
        newer[52:84] = name.ljust(32, b"\0")
        newer[:8] = checksum(bytes(newer[8:4096]))
        path.write_bytes(newer)
        told = told_of(path)
        assert (
            f"the file was written by DuckDB {shown} (storage version 250), and this is DuckDB v{duckdb.__version__}, "
            "which can't read it"
        ) == told.what
        assert (str(path), 3) == (told.where, told.exit_code)
        assert "funnel run --from-log" in told.next_step


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
def test_what_duckdb_says_is_reported_in_plain_words(tmp_path: Path, text: str, expected: str) -> None:
    """By the words that this and other versions of it use."""
    path = database(tmp_path)
    told = run_folder.open_errors(path, duckdb.IOException(text))
    assert told.what.startswith(expected)
    assert str(path) == told.where


def test_a_file_that_was_cut_short_is_reported(tmp_path: Path) -> None:
    """And that the log can make it again."""
    path = database(tmp_path)
    path.write_bytes(path.read_bytes()[:100])
    told = told_of(path)
    assert "the database file is corrupt (truncated, or changed on the disk)" == told.what
    assert "rebuild it from the landing log with `funnel run --from-log`" == told.next_step


def test_a_file_in_place_of_runs_is_never_replaced(tmp_path: Path) -> None:
    """A link that leads nowhere neither."""
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
    """No rename goes there; nothing is left behind."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:
        assert Path(elsewhere).stat().st_dev != tmp_path.stat().st_dev, (
            "this test needs a second file system at /dev/shm"
        )
        (tmp_path / "runs").symlink_to(elsewhere)
        with pytest.raises(UsageError, match="different file systems") as refusal:
            run_folder.start_run(tmp_path, CLOCK)
        assert (str(tmp_path / "runs"), []) == (refusal.value.where, list(Path(elsewhere).iterdir()))


def sealed(out: Path, night: str, clock: datetime = CLOCK) -> run_folder.RunFolder:
    run = run_folder.start_run(out, clock)
    run.database.write_text(night)
    run_folder.seal(run)
    return run


def test_logs_beside_either_run_are_moved_away_and_kept(tmp_path: Path) -> None:
    """Beside the link, the published run and the new one; a second run leaves those of before alone."""
    with lock.hold(tmp_path, CLOCK):
        first = sealed(tmp_path, "first")
        run_folder.swap(first)
        second = sealed(tmp_path, "second")
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
        assert [] == run_folder.swap(sealed(tmp_path, "third"))
    assert "third" == (tmp_path / "funnel.duckdb").read_text()


def test_a_run_that_is_sealed_already_keeps_its_modes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is a link to an earlier run's is final: its mode is not touched again."""
    with lock.hold(tmp_path, CLOCK):
        run = run_folder.start_run(tmp_path, CLOCK)
        run.database.write_text("night")
        (run.reports / "old.html").write_text("page")
        (run.reports / "old.html").chmod(0o444)
        changed: list[str] = []
        chmod = Path.chmod
        monkeypatch.setattr(Path, "chmod", lambda path, mode: (changed.append(path.name), chmod(path, mode))[1])
        run_folder.seal(run)
    assert ("funnel.duckdb" in changed, "old.html" in changed) == (True, False)


def test_a_link_that_a_killed_run_of_the_same_pid_left_is_in_nobodys_way(tmp_path: Path) -> None:
    """In a container every run may be process 1."""
    with lock.hold(tmp_path, CLOCK):
        run = sealed(tmp_path, "night")
        for name in ("current", "reports"):
            (tmp_path / f"{name}.new-{os.getpid()}").symlink_to("runs/nowhere")
        run_folder.swap(run)
    assert "night" == (tmp_path / "funnel.duckdb").read_text()
    assert ["current", "funnel.duckdb", "reports", "run.lock", "runs"] == sorted(
        path.name for path in tmp_path.iterdir()
    )


def test_a_sealed_run_is_as_open_as_the_output_folder(tmp_path: Path) -> None:
    """Private while it is built, then every folder of it like the one around it."""
    tmp_path.chmod(0o750)
    run = run_folder.start_run(tmp_path, CLOCK)
    run.database.write_text("night")
    assert 0o700 == run.building.stat().st_mode & 0o777
    run_folder.seal(run)
    assert [0o750] * 2 == [folder.stat().st_mode & 0o777 for folder in (run.sealed, run.sealed / "reports")]


@pytest.mark.parametrize("named", [None, "a page"])
def test_a_broken_disk_is_reported_with_the_file_or_else_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str | None
) -> None:
    """A flush knows no name; then the output folder is where to look."""
    run = run_folder.start_run(tmp_path, CLOCK)
    run.database.write_text("night")

    def broken(_path: Path) -> None:
        raise OSError(5, "Input/output error", named)

    monkeypatch.setattr(lock, "flush", broken)
    with pytest.raises(FunnelError, match="the run can't be flushed to disk: input/output error") as failure:
        run_folder.seal(run)
    assert (named or str(tmp_path)) == failure.value.where


def test_a_broken_disk_while_publishing_is_reported_with_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As while the run is written out."""
    run = sealed(tmp_path, "first")

    def broken(_path: Path) -> None:
        raise OSError(5, "Input/output error")

    with lock.hold(tmp_path, CLOCK):
        monkeypatch.setattr(lock, "flush", broken)
        with pytest.raises(FunnelError, match="the run can't be published: input/output error") as failure:
            run_folder.swap(run)
    assert str(tmp_path) == failure.value.where


def test_a_run_that_can_t_be_removed_stops_no_run(tmp_path: Path) -> None:
    """Somebody else owns what lies in it: half removed under a name that no reader takes, and nobody is stopped."""
    out = tmp_path / "out"
    out.mkdir()
    with lock.hold(out, CLOCK):
        old = sealed(out, "first")
        run_folder.swap(sealed(out, "second", CLOCK + timedelta(days=1)))
    for path in (out, out / "runs", out / lock.LOCK_NAME):
        path.chmod(0o777)
    with without_rights(out), lock.hold(out, CLOCK):
        assert [old.id] == run_folder.prune(out, 1)
        run = run_folder.start_run(out, CLOCK)
    assert run.building.is_dir()
    assert (out / "runs" / f"{old.id}.removing").is_dir()
    assert not old.sealed.exists()
