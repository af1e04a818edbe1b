"""What a run writes holds names of people: nobody but the owner may read it until somebody opens the output folder."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

GROUP_AND_OTHERS = 0o077

_ADDRESS = re.compile(r"\S+@\S+")


@contextmanager
def private_files() -> Iterator[None]:
    """Files and folders made inside are the owner's alone, whatever umask the process was started with."""
    before = os.umask(GROUP_AND_OTHERS)
    try:
        yield
    finally:
        os.umask(before)


def mode_of(folder: Path) -> int:
    """The permissions of a folder, with its rule that what is made in it belongs to its group."""
    return folder.stat().st_mode & (0o777 | stat.S_ISGID)


def open_as(folder: Path, like: Path) -> None:
    """Give `folder` the permissions of `like`, where it is ours to change."""
    wanted = mode_of(like)
    if mode_of(folder) != wanted and folder.stat().st_uid == os.geteuid():
        folder.chmod(wanted)


def without_addresses(text: str) -> str:
    """The text for a log: what may be an e-mail address is not in it."""
    return _ADDRESS.sub("(an address)", text)
