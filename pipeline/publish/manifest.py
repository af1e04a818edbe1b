"""manifest.json beside a published database: the inputs, checks and settings of the run. docs/watching.md has each key."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypedDict

from pipeline.errors import InputError, UsageError
from pipeline.ingest.landing.landing_log import folder_of
from pipeline.publish import run_folder


class FileAccount(TypedDict, total=False):
    """A file that the run counts: its identity and its row accounting."""

    input: str
    file: str
    load_no: int
    sha256: str
    loaded_at: str
    rows_read: int
    landed: int
    entries: dict[str, int] | None
    timezone: str | None
    missing_keys: int | None
    is_new: bool


class CheckOutcome(TypedDict):
    """A check, its claim, and the number of rows that break it."""

    name: str
    claim: str
    severity: str
    broken: int


class ManifestKeys(TypedDict):
    """The keys of every manifest. Times are ISO 8601."""

    run: str
    started_at: str
    as_of: str
    configuration_sha256: str
    loads: list[int]
    inputs: list[FileAccount]
    row_accounting: list[dict[str, Any]]
    checks: list[CheckOutcome]
    warnings: list[str]
    notes: list[str]


class Manifest(ManifestKeys, total=False):
    """A manifest. The keys below may be missing in a manifest of an earlier version."""

    timezone: str
    configuration: str
    configuration_path: str
    models_sha256: str
    versions: dict[str, str]
    settings: dict[str, Any]
    seconds: dict[str, float]
    refused: list[dict[str, Any]]
    missing: list[dict[str, Any]]
    models: list[dict[str, Any]]
    log_lost: dict[str, Any] | None
    stale: list[str]
    accepted_drops: list[str]
    accepted_rejects: list[str]
    personal_data: str | None
    database: dict[str, Any]


def read(database: Path) -> Manifest:
    """Read the manifest beside a published database. Raises InputError if it can't be read."""
    path = database.parent / run_folder.MANIFEST
    try:
        manifest: Manifest = json.loads(path.read_text("utf-8"))
        _ = manifest["run"], manifest["inputs"]
    except (OSError, ValueError, KeyError, TypeError) as failure:
        raise InputError(
            "the manifest of the published run can't be read",
            where=str(path),
            next_step="restore it from a backup, or rebuild all tables from the landing log with `funnel run --from-log`",
        ) from failure
    return manifest


def write(folder: run_folder.RunFolder, manifest: Manifest) -> None:
    """Write the manifest of a run to its folder."""
    folder.manifest.write_text(json.dumps(manifest, indent=2, ensure_ascii=False, default=str) + "\n", "utf-8")


@dataclass(frozen=True)
class Counted:
    """A file that the published run counts."""

    input: str
    file: str
    load_no: int
    sha256: str

    @property
    def folder(self) -> str:
        """Return the folder of its load in the landing log."""
        return folder_of(self.input, self.load_no, self.sha256)


@dataclass(frozen=True)
class PublishedRun:
    """The published run of an output folder. `readable` is its manifest; None if it can't be read."""

    database: Path
    readable: Manifest | None

    @classmethod
    def read(cls, output: Path) -> PublishedRun | None:
        """Return the published run of `output`; None if nothing is published."""
        database = run_folder.current(output)
        if database is None:
            return None
        try:
            return cls(database, read(database))
        except InputError:
            return cls(database, None)

    @property
    def manifest(self) -> Manifest:
        """Return the manifest. Raises InputError if it can't be read."""
        return self.readable if self.readable is not None else read(self.database)

    @property
    def reports(self) -> Path:
        """Return the folder of its reports."""
        return self.database.parent / run_folder.REPORTS

    @property
    def times(self) -> tuple[datetime, datetime] | None:
        """Return as-of and start of the run (aware); None if its manifest does not have them."""
        try:
            manifest = self.manifest
            return datetime.fromisoformat(manifest["as_of"]), datetime.fromisoformat(manifest["started_at"])
        except (InputError, ValueError, KeyError, TypeError):
            return None


def require_published(published: PublishedRun | None, output: Path) -> PublishedRun:
    """Return `published`. Raises UsageError if nothing is published, InputError if its manifest can't be read."""
    if published is None:
        raise UsageError("nothing is published yet", where=str(output), next_step="`funnel run` first")
    _ = published.manifest
    return published


def counted(published: PublishedRun | None) -> tuple[Counted, ...]:
    """Return the files that the published run counts; nothing if its manifest can't be read."""
    try:
        inputs = published.readable["inputs"] if published and published.readable else []
        return tuple(Counted(each["input"], each["file"], each["load_no"], each["sha256"]) for each in inputs)
    except (KeyError, TypeError):
        return ()


def counted_folders(published: PublishedRun | None) -> frozenset[str]:
    """Return the folders of these files in the landing log."""
    return frozenset(each.folder for each in counted(published))
