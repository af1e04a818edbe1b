"""Detects in an error or its causes that the disk is full or that a file may not grow. Measures free space."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import duckdb

MAX_FILES_PER_RUN = 1_000
"""A run writes fewer files."""

_FULL = (errno.ENOSPC, errno.EDQUOT)
# DuckDB passes on the message of the system. If there is no space to spill, it names this setting.
_FULL_MESSAGES = (*(os.strerror(number) for number in _FULL), "max_temp_directory_size")


def is_full(failure: BaseException) -> bool:
    """Whether a disk, or the quota of this user, is full."""
    return any(_matches(each, _FULL, _FULL_MESSAGES) for each in _with_causes(failure))


def is_limited(failure: BaseException) -> bool:
    """Whether a file reached the size limit of this process (`ulimit -f`)."""
    return any(_matches(each, (errno.EFBIG,), (os.strerror(errno.EFBIG),)) for each in _with_causes(failure))


def is_the_reason(failure: BaseException) -> bool:
    """Whether the disk or a size limit is the cause of the failure."""
    return is_full(failure) or is_limited(failure)


def has_few_inodes(folder: Path) -> bool:
    """Whether the file system of a folder has too few inodes for a run. Some file systems have no such limit."""
    system = os.statvfs(folder)
    return system.f_files > 0 and system.f_favail < MAX_FILES_PER_RUN


def free(folder: Path) -> int:
    """Return the bytes that this user may still write to the file system of a folder."""
    system = os.statvfs(folder)
    return system.f_bavail * system.f_frsize


def size(folder: Path) -> int:
    """Return the bytes on disk of all files below a folder; 0 if it does not exist."""
    paths = (Path(parent, name) for parent, _, names in os.walk(folder) for name in names)
    return sum(path.lstat().st_blocks * 512 for path in paths if path.exists())


def _matches(failure: BaseException, numbers: tuple[int, ...], messages: tuple[str, ...]) -> bool:
    if isinstance(failure, OSError):
        return failure.errno in numbers
    return isinstance(failure, duckdb.Error) and any(each in str(failure) for each in messages)


def _with_causes(failure: BaseException) -> Iterator[BaseException]:
    each: BaseException | None = failure
    while each is not None:
        yield each
        each = each.__cause__ or each.__context__
