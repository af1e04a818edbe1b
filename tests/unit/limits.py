"""Limits of the kernel for this process within a block: permissions and file sizes."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


@contextmanager
def without_rights(folder: Path) -> Iterator[None]:
    """Within the block root, who ignores modes, becomes `nobody`; other users stay. `folder` is opened for all."""
    for parent in (folder, *folder.parents[:4]):  # pytest makes them private, one level deeper with several workers
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
    """Within the block no file may exceed `size` bytes (`ulimit -f`)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
