"""The output folder and its lock: one run at a time, and the second one says whose turn it is.

The lock is `flock` on `run.lock`: the kernel gives it back when the holder ends, however it ends, so no pid has to be
believed. The file stays between runs, because removing it would let two runs hold two files of one name.
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

LOCK_NAME = "run.lock"
SECONDS_FOR_THE_HOLDER_TO_SIGN = 0.5
TRIES = 5  # a look at the lock holds it for a moment, which is no run


@dataclass(frozen=True)
class _Held:
    path: Path
    descriptor: int


# What this process holds. flock belongs to the process, so this is process state too.
_held_here: list[_Held] = []


@contextmanager
def hold(folder: Path, clock: datetime) -> Iterator[None]:
    """Hold the lock of the output folder (made if need be), signed with our pid and `clock`, the start of the run.

    Raises LockHeld at once, with the holder's pid and start time, when another run has it.
    """
    ready_folder(folder)
    path = folder.resolve() / LOCK_NAME
    held = _Held(path, _locked_descriptor(path))
    _held_here.append(held)
    try:
        _sign(held, clock)
        still_ours()
        yield
    finally:
        _held_here.remove(held)
        os.close(held.descriptor)


def still_ours() -> None:
    """Make sure that the lock file in the folder is the one that we hold; asked again right before publishing.

    A cleaner that removed or replaced the file has let a second run in, so this one must not publish.
    """
    if not _held_here:
        raise RuntimeError("no lock is held by this process: call inside `with lock.hold(folder, clock)`")
    for held in _held_here:
        if not _is_same_file(held):
            raise FunnelError(
                "the lock file was removed or replaced during the run, so another run may have started; "
                "nothing was published",
                where=str(held.path),
                next_step="keep cleaning jobs away from this folder, then start the run again",
            )


def holder(folder: Path) -> str | None:
    """Who holds the lock of the output folder now, in the words of the lock file; None if nobody does. Changes nothing.

    It asks for a shared lock and gives it back at once; a run that starts in that moment tries again.
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
    """LockHeld when another run works in the output folder now. `hold` asks again: this only spares a run what it would import."""
    signed_by = holder(folder)
    if signed_by is not None:
        raise _held_by(signed_by, folder.resolve() / LOCK_NAME)


def is_held(folder: Path) -> bool:
    """Whether this process holds the lock of the output folder."""
    path = folder.resolve() / LOCK_NAME
    return any(held.path == path for held in _held_here)


def ready_folder(folder: Path) -> None:
    """Make the output folder (0700: it will hold names of people) or say why it can't be used, before any work."""
    try:
        if folder.is_dir():
            return
        if folder.exists() or folder.is_symlink():
            raise UsageError(
                "the output folder can't be used: something else of that name is in the way",
                where=str(folder),
                next_step="move it away, or give another folder with --output",
            )
        parent = folder.absolute().parent
        if not parent.exists():
            raise UsageError(
                "the output folder can't be made: the folder above it is missing",
                where=str(parent),
                next_step=f"make it with `mkdir -p {parent}`, or give another folder with --output",
            )
        folder.mkdir(mode=0o700, exist_ok=True)  # a run that starts at the same moment may be first
        flush(parent)
    except OSError as failure:
        raise unusable(folder, "can't be made", failure) from failure


def unusable(folder: Path, what: str, failure: OSError) -> UsageError:
    """The error for an output folder that the system refuses: read-only, not permitted, full."""
    return UsageError(
        f"the output folder {what}: {(failure.strerror or type(failure).__name__).lower()}",
        where=str(failure.filename or folder),
        next_step="make the folder writable for this user, or give another one with --output",
    )


def flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
                if tries < TRIES:
                    os.close(descriptor)
                    time.sleep(0.02)
                    continue
                signed_by = _holder(descriptor)
                os.close(descriptor)
                raise _held_by(signed_by, path) from None
            os.close(descriptor)
            raise unusable(path.parent, "is on a file system without locks", failure) from failure
        if _is_same_file(_Held(path, descriptor)):
            return descriptor
        os.close(descriptor)  # removed between open and flock: what we locked has no name any more


def _held_by(signed_by: str, path: Path) -> LockHeld:
    return LockHeld(
        f"another run works here: {signed_by}",
        where=str(path),
        next_step="wait until it ends, or stop it; the lock is free as soon as that process is gone",
    )


def _is_same_file(held: _Held) -> bool:
    ours = os.fstat(held.descriptor)
    try:
        named = held.path.lstat()
    except FileNotFoundError:
        return False
    return (ours.st_dev, ours.st_ino) == (named.st_dev, named.st_ino)


def _sign(held: _Held, clock: datetime) -> None:
    started_at = clock.astimezone(UTC) if clock.tzinfo else clock.replace(tzinfo=UTC)
    line = f"pid {os.getpid()}, started {started_at:%Y-%m-%d %H:%M:%S} UTC\n".encode()
    try:
        # Empty first: a second run that reads in between waits a moment and never takes the last holder for this one.
        os.ftruncate(held.descriptor, 0)
        os.pwrite(held.descriptor, line, 0)
    except OSError as failure:
        raise unusable(held.path.parent, "can't be written", failure) from failure


def _holder(descriptor: int) -> str:
    """Who signed the lock file, in the words of `_sign`."""
    give_up_at = time.monotonic() + SECONDS_FOR_THE_HOLDER_TO_SIGN
    while time.monotonic() < give_up_at:
        signature = os.pread(descriptor, 200, 0).decode("ascii", "replace")
        if signature.endswith("\n"):
            return signature.strip()
        time.sleep(0.02)
    return "it has only just started, its pid is not written yet"
