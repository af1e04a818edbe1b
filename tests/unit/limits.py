"""What the system forbids, for as long as a block lasts: real refusals of the kernel, in this process."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


@contextmanager
def without_rights(folder: Path) -> Iterator[None]:
    """Root, whom no mode stops, is nobody inside; anybody else stays who they are. `folder` can be reached by all."""
    for parent in (folder, *folder.parents[:4]):  # pytest keeps them private, one deeper with several workers
        parent.chmod(parent.stat().st_mode | 0o011)
    was_root = os.geteuid() == 0
    if was_root:
        os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        if was_root:
            os.setresuid(0, 0, 0)


@contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes (`ulimit -f`)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
