"""What an error says about the disk: whether it is full, or a file may not grow, however deep the error lies."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import duckdb

FILES_OF_A_RUN = 1_000
"""More than one run makes."""

_FULL = (errno.ENOSPC, errno.EDQUOT)
# DuckDB hands the system's words on. It spills no further than the disk has room, and then names this setting.
_WORDS_OF_FULL = (*(os.strerror(number) for number in _FULL), "max_temp_directory_size")


def is_full(failure: BaseException) -> bool:
    """Whether there was no room left on a disk, or in the quota of this user."""
    return any(_is(each, _FULL, _WORDS_OF_FULL) for each in _with_causes(failure))


def is_limited(failure: BaseException) -> bool:
    """Whether a file met the limit of size that is set for this process (`ulimit -f`)."""
    return any(_is(each, (errno.EFBIG,), (os.strerror(errno.EFBIG),)) for each in _with_causes(failure))


def is_the_reason(failure: BaseException) -> bool:
    """Whether something failed only because it could not be written."""
    return is_full(failure) or is_limited(failure)


def has_few_inodes(folder: Path) -> bool:
    """Whether the file system of a folder may not hold the files of another run. Some have no such limit."""
    system = os.statvfs(folder)
    return system.f_files > 0 and system.f_favail < FILES_OF_A_RUN


def free(folder: Path) -> int:
    """Bytes that this user may still write into the file system of a folder."""
    system = os.statvfs(folder)
    return system.f_bavail * system.f_frsize


def size(folder: Path) -> int:
    """Bytes on the disk of the files below a folder; 0 when it is not there."""
    found = (Path(parent, name) for parent, _, names in os.walk(folder) for name in names)
    return sum(path.lstat().st_blocks * 512 for path in found if path.exists())


def _is(failure: BaseException, numbers: tuple[int, ...], words: tuple[str, ...]) -> bool:
    if isinstance(failure, OSError):
        return failure.errno in numbers
    return isinstance(failure, duckdb.Error) and any(each in str(failure) for each in words)


def _with_causes(failure: BaseException) -> Iterator[BaseException]:
    each: BaseException | None = failure
    while each is not None:
        yield each
        each = each.__cause__ or each.__context__
