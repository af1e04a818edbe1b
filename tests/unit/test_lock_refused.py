"""System errors of the lock and its folder, and readers of the lock."""

from __future__ import annotations

import errno
import fcntl
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.errors import LockHeld, UsageError
from pipeline.publish import lock
from tests.unit.limits import files_no_longer_than

CLOCK = datetime(2026, 4, 1, 3, 59, 59, tzinfo=UTC)


def refused(folder: Path) -> UsageError:
    with pytest.raises(UsageError) as refusal, lock.hold(folder, CLOCK):
        pass
    assert not lock.is_held(folder)
    assert refusal.value.next_step.endswith(("choose another one with --output", "choose another folder with --output"))
    return refusal.value


def test_the_holder_is_read_without_taking_the_lock(tmp_path: Path) -> None:
    """The holder is the run while it lasts, otherwise none; reading changes nothing."""
    assert lock.holder(tmp_path) is None
    assert [] == list(tmp_path.iterdir())
    with lock.hold(tmp_path, CLOCK):
        assert f"pid {os.getpid()}, started 2026-04-01 03:59:59 UTC" == lock.holder(tmp_path)
        lock.require_still_held()
    assert lock.holder(tmp_path) is None


def test_two_readers_of_the_lock_do_not_see_each_other(tmp_path: Path) -> None:
    """Readers share the lock, so that a reader is not mistaken for a run."""
    with lock.hold(tmp_path, CLOCK):
        pass
    with (tmp_path / "run.lock").open() as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert lock.holder(tmp_path) is None


def test_a_holder_without_a_pid_is_reported_as_such(tmp_path: Path) -> None:
    """Between the lock and its pid line, no old pid is reported."""
    with (tmp_path / "run.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(LockHeld, match="just started, its pid is not written yet"), lock.hold(tmp_path, CLOCK):
            pass


def test_a_reader_of_the_lock_stops_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that finds the lock taken tries four more times."""
    looker = (tmp_path / "run.lock").open("w")
    fcntl.flock(looker, fcntl.LOCK_SH)
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == lock.MAX_TRIES - 1:
            looker.close()

    monkeypatch.setattr("time.sleep", wait)
    with lock.hold(tmp_path, CLOCK):
        assert lock.is_held(tmp_path)
    assert [0.02] * 4 == waits


def test_a_folder_with_too_long_a_name_is_refused(tmp_path: Path) -> None:
    """The message has the text of the system and the path."""
    error = refused(tmp_path / ("x" * 300))
    assert "the output folder can't be created: file name too long" == error.what
    assert str(tmp_path / ("x" * 300)) == error.where


def test_a_folder_in_place_of_the_lock_file_is_refused(tmp_path: Path) -> None:
    """The message has the path of the lock file."""
    (tmp_path / "run.lock").mkdir()
    error = refused(tmp_path)
    assert ("the output folder can't be written: is a directory", str(tmp_path / "run.lock")) == (
        error.what,
        error.where,
    )


def test_a_lock_file_that_can_not_be_written_is_refused(tmp_path: Path) -> None:
    """With `ulimit -f` the error comes before any work, and the lock is released."""
    with files_no_longer_than(0):
        error = refused(tmp_path)
    assert ("the output folder can't be written: file too large", str(tmp_path)) == (error.what, error.where)
    with lock.hold(tmp_path, CLOCK):
        assert lock.is_held(tmp_path)


def test_a_file_system_without_locks_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some network file systems give this error; no file stays open."""
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a listing of open files, one of them its own

    def no_locks(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    error = refused(tmp_path)
    assert "the output folder is on a file system without locks: no locks available" == error.what
    assert before == len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def test_a_missing_parent_folder_is_refused(tmp_path: Path) -> None:
    """A mistyped path creates no folders."""
    error = refused(tmp_path / "typo" / "out")
    assert "the output folder can't be created: its parent folder is missing" == error.what
    assert (str(tmp_path / "typo"), []) == (error.where, list(tmp_path.iterdir()))
