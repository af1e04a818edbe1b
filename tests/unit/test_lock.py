from __future__ import annotations

import fcntl
import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from pipeline.errors import FunnelError, LockHeld, UsageError
from pipeline.publish import lock

CLOCK = datetime(2026, 4, 1, 3, 59, 59, tzinfo=UTC)


def test_a_second_holder_is_reported_pid_and_start_time(tmp_path: Path) -> None:
    """The exit code is 5, so that the user knows which process to wait for."""
    with (
        lock.hold(tmp_path, CLOCK),
        pytest.raises(LockHeld) as refusal,
        lock.hold(tmp_path, CLOCK + timedelta(hours=1)),
    ):
        pass
    assert f"another run works here: pid {os.getpid()}, started 2026-04-01 03:59:59 UTC" == refusal.value.what
    assert str(tmp_path / "run.lock") == refusal.value.where
    assert 5 == refusal.value.exit_code


def test_a_reader_gets_the_same_message(tmp_path: Path) -> None:
    """A reader of the lock gets the pid before a run loads anything. A missing or unlocked folder is free."""
    with lock.hold(tmp_path, CLOCK), pytest.raises(LockHeld) as refusal:
        lock.require_free(tmp_path)
    assert f"another run works here: pid {os.getpid()}, started 2026-04-01 03:59:59 UTC" == refusal.value.what
    assert str(tmp_path / "run.lock") == refusal.value.where
    lock.require_free(tmp_path)
    lock.require_free(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_the_start_time_is_written_in_utc(tmp_path: Path) -> None:
    """A clock with another offset writes the same instant."""
    with lock.hold(tmp_path, CLOCK.astimezone(timezone(timedelta(hours=-7)))):
        assert f"pid {os.getpid()}, started 2026-04-01 03:59:59 UTC\n" == (tmp_path / "run.lock").read_text()


def test_the_lock_is_released_after_an_error(tmp_path: Path) -> None:
    """An error in the block releases the lock; the file stays, so that no process locks a second one."""
    with pytest.raises(ZeroDivisionError), lock.hold(tmp_path, CLOCK):
        raise ZeroDivisionError
    assert not lock.is_held(tmp_path)
    with lock.hold(tmp_path, CLOCK):
        assert lock.is_held(tmp_path)


def test_a_longer_old_pid_line_is_overwritten(tmp_path: Path) -> None:
    """The line of a killed run is fully replaced by the next one, at any length."""
    (tmp_path / "run.lock").write_text("pid 999999999, started long ago by somebody with a very long name indeed\n")
    with lock.hold(tmp_path, CLOCK):
        assert f"pid {os.getpid()}, started 2026-04-01 03:59:59 UTC\n" == (tmp_path / "run.lock").read_text()


@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_removed_lock_file_stops_the_run(tmp_path: Path, is_replaced: bool) -> None:
    """A removed or replaced lock file is detected, because a second run may hold the new one."""
    path = tmp_path / "run.lock"
    with lock.hold(tmp_path, CLOCK):
        lock.require_still_held()
        path.unlink()
        if is_replaced:
            path.touch()
        with pytest.raises(FunnelError, match="removed or replaced"):
            lock.require_still_held()


def test_a_file_removed_between_open_and_lock_is_created_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock on a removed file protects nothing, so the run locks the new one."""
    descriptors: list[int] = []
    flock = fcntl.flock

    def flock_too_late(descriptor: int, operation: int) -> None:
        if not descriptors:
            (tmp_path / "run.lock").unlink()
        descriptors.append(descriptor)
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", flock_too_late)
    with lock.hold(tmp_path, CLOCK):
        lock.require_still_held()
    assert 2 == len(descriptors)


def test_requiring_a_lock_outside_of_hold_is_an_error() -> None:
    """It is an error in the code."""
    with pytest.raises(RuntimeError, match="no lock is held"):
        lock.require_still_held()


def test_a_new_output_folder_is_private(tmp_path: Path) -> None:
    """Only the owner can read the folder, because it will contain names of people."""
    with lock.hold(tmp_path / "out", CLOCK):
        assert 0o700 == (tmp_path / "out").stat().st_mode & 0o777


def test_an_existing_output_folder_keeps_its_mode(tmp_path: Path) -> None:
    """A folder that is shared with a group stays shared."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out").chmod(0o750)
    with lock.hold(tmp_path / "out", CLOCK):
        assert 0o750 == (tmp_path / "out").stat().st_mode & 0o777


def test_a_dangling_link_is_not_replaced_by_a_folder(tmp_path: Path) -> None:
    """A dangling link, for example to an unmounted disk, is reported and stays."""
    (tmp_path / "out").symlink_to(tmp_path / "unmounted")
    with pytest.raises(UsageError, match="something else has this name") as refusal, lock.hold(tmp_path / "out", CLOCK):
        pass
    assert str(tmp_path / "out") == refusal.value.where
