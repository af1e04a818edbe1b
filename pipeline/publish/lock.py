"""The output folder and its lock: one run at a time. A second run fails and names the first.

The lock is `flock` on `run.lock`. The kernel releases it when the process ends, so no pid has to be checked. The file stays
between runs: after a deletion, two runs could lock two files of the same name.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline.errors import FunnelError, LockHeld, UsageError
from pipeline.ingest.landing.landing_log import flush as flush

LOCK_NAME = "run.lock"
SECONDS_TO_SIGN = 0.5
MAX_TRIES = 5  # `holder` takes the lock for a moment


@dataclass(frozen=True)
class _HeldLock:
    path: Path
    descriptor: int


# Locks of this process. flock belongs to the process, so this state does too.
_held_locks: list[_HeldLock] = []


@contextmanager
def hold(folder: Path, clock: datetime) -> Iterator[None]:
    """Hold the lock of the output folder, which is created if missing. Signs it with the pid and `clock`, the start of the run.

    Raises LockHeld at once, with pid and start of the other run, if another run has the lock.
    """
    prepare_folder(folder)
    path = folder.resolve() / LOCK_NAME
    held = _HeldLock(path, _locked_descriptor(path))
    _held_locks.append(held)
    try:
        _sign(held, clock)
        require_still_held()
        yield
    finally:
        _held_locks.remove(held)
        os.close(held.descriptor)


def require_still_held() -> None:
    """Raise FunnelError if the lock file is not the one that this process holds. Called again right before publishing.

    If a cleaning job removed or replaced the file, a second run may have started, so this one must not publish.
    """
    if not _held_locks:
        raise RuntimeError("no lock is held by this process: call inside `with lock.hold(folder, clock)`")
    for held in _held_locks:
        if not _is_same_file(held):
            raise FunnelError(
                "the lock file was removed or replaced during the run, so another run may have started; "
                "nothing was published",
                where=str(held.path),
                next_step="keep cleaning jobs away from this folder, then start the run again",
            )


def holder(folder: Path) -> str | None:
    """Return the text of the lock file if a run holds the lock of the output folder, else None. Changes nothing.

    Takes a shared lock and releases it at once. A run that starts in that moment tries again.
    """
    try:
        descriptor = os.open(folder.resolve() / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return _holder(descriptor)
    finally:
        os.close(descriptor)
    return None


def require_free(folder: Path) -> None:
    """Raise LockHeld if another run uses the output folder. `hold` checks again: this check only saves slow imports."""
    signed_by = holder(folder)
    if signed_by is not None:
        raise _held_by(signed_by, folder.resolve() / LOCK_NAME)


def is_held(folder: Path) -> bool:
    """Whether this process holds the lock of the output folder."""
    path = folder.resolve() / LOCK_NAME
    return any(held.path == path for held in _held_locks)


def prepare_folder(folder: Path) -> None:
    """Create the output folder (0700, because of personal data). Raises UsageError before any work if it can't be used."""
    try:
        if folder.is_dir():
            return
        if folder.exists() or folder.is_symlink():
            raise UsageError(
                "the output folder can't be used: something else has this name",
                where=str(folder),
                next_step="move it away, or choose another folder with --output",
            )
        parent = folder.absolute().parent
        if not parent.exists():
            raise UsageError(
                "the output folder can't be created: its parent folder is missing",
                where=str(parent),
                next_step=f"create it with `mkdir -p {parent}`, or choose another folder with --output",
            )
        folder.mkdir(mode=0o700, exist_ok=True)  # another run may create it at the same moment
        flush(parent)
    except OSError as failure:
        raise unusable(folder, "can't be created", failure) from failure


def unusable(folder: Path, what: str, failure: OSError) -> UsageError:
    """Return the error for an output folder that the system refuses: read-only, not permitted or full."""
    return UsageError(
        f"the output folder {what}: {(failure.strerror or type(failure).__name__).lower()}",
        where=str(failure.filename or folder),
        next_step="make the folder writable for this user, or choose another one with --output",
    )


def _locked_descriptor(path: Path) -> int:
    tries = 0
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as failure:
            raise unusable(path.parent, "can't be written", failure) from failure
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as failure:
            if failure.errno in (errno.EWOULDBLOCK, errno.EACCES):
                tries += 1
                if tries < MAX_TRIES:
                    os.close(descriptor)
                    time.sleep(0.02)
                    continue
                signed_by = _holder(descriptor)
                os.close(descriptor)
                raise _held_by(signed_by, path) from None
            os.close(descriptor)
            raise unusable(path.parent, "is on a file system without locks", failure) from failure
        if _is_same_file(_HeldLock(path, descriptor)):
            return descriptor
        os.close(descriptor)  # the file was deleted between open and flock


def _held_by(signed_by: str, path: Path) -> LockHeld:
    return LockHeld(
        f"another run works here: {signed_by}",
        where=str(path),
        next_step="wait until it ends, or stop it; the lock is released when that process ends",
    )


def _is_same_file(held: _HeldLock) -> bool:
    ours = os.fstat(held.descriptor)
    try:
        named = held.path.lstat()
    except FileNotFoundError:
        return False
    return (ours.st_dev, ours.st_ino) == (named.st_dev, named.st_ino)


def _sign(held: _HeldLock, clock: datetime) -> None:
    started_at = clock.astimezone(UTC) if clock.tzinfo else clock.replace(tzinfo=UTC)
    line = f"pid {os.getpid()}, started {started_at:%Y-%m-%d %H:%M:%S} UTC\n".encode()
    try:
        # Empty it first: a second run that reads now waits, and does not report the last holder.
        os.ftruncate(held.descriptor, 0)
        os.pwrite(held.descriptor, line, 0)
    except OSError as failure:
        raise unusable(held.path.parent, "can't be written", failure) from failure


def _holder(descriptor: int) -> str:
    """Return the signature of the lock file, as written by `_sign`."""
    deadline = time.monotonic() + SECONDS_TO_SIGN
    while time.monotonic() < deadline:
        signature = os.pread(descriptor, 200, 0).decode("ascii", "replace")
        if signature.endswith("\n"):
            return signature.strip()
        time.sleep(0.02)
    return "it has just started, its pid is not written yet"
