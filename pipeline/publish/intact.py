"""Compares a published database with the SHA-256 in its manifest, so that no run builds on a damaged file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipeline.ingest.files.checksums import sha256_of
from pipeline.publish.run_folder import MANIFEST, corrupt

MANIFEST_KEY = "database"
"""Key of the manifest for the result of `checksum`."""


def checksum(database: Path) -> dict[str, Any]:
    """Return size in bytes and SHA-256 of a closed database."""
    return {"bytes": database.stat().st_size, "sha256": sha256_of(database)}


def is_damaged(database: Path) -> bool:
    """Whether a published file differs from its manifest. False if the manifest has no checksum."""
    with suppress(OSError, ValueError):
        manifest = json.loads((database.parent / MANIFEST).read_text("utf-8"))
        return isinstance(manifest, dict) and not _matches(database, manifest)
    return False


def copy(published: Path, manifest: Mapping[str, object], database: Path) -> None:
    """Copy a published file to `database` and verify the copy. Raises InputError, without a copy, if it is damaged.

    A file of an earlier version without a checksum is not verified.
    """
    shutil.copyfile(published, database)
    if not _matches(database, manifest):
        database.unlink()
        raise corrupt(published)


def _matches(database: Path, manifest: Mapping[str, object]) -> bool:
    expected = manifest.get(MANIFEST_KEY)
    return expected is None or expected == checksum(database)
