"""Holds a published database against the SHA-256 in its manifest, so that damage on the disk is not built on or published again."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipeline.publish.run_folder import MANIFEST, corrupt

KEY = "database"
"""Of the manifest: what `checksum` returns."""


def checksum(database: Path) -> dict[str, Any]:
    """The size in bytes and the SHA-256 of a closed database."""
    with database.open("rb") as file:
        return {"bytes": database.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def is_damaged(database: Path) -> bool:
    """Whether a published file is another than its manifest says. False where the manifest can't tell."""
    with suppress(OSError, ValueError):
        manifest = json.loads((database.parent / MANIFEST).read_text("utf-8"))
        return isinstance(manifest, dict) and not _fits(database, manifest)
    return False


def copy(published: Path, manifest: Mapping[str, object], database: Path) -> None:
    """Copy a published file to `database` and verify the copy. Raises InputError, and leaves no copy, where it is damaged.

    A file of a version that took no checksum is copied as it is.
    """
    shutil.copyfile(published, database)
    if not _fits(database, manifest):
        database.unlink()
        raise corrupt(published)


def _fits(database: Path, manifest: Mapping[str, object]) -> bool:
    promised = manifest.get(KEY)
    return promised is None or promised == checksum(database)
