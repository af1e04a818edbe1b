"""The landing log: an append-only folder with one subfolder per load for its accepted rows, rejected rows and manifest.

A load exists when its manifest exists. The manifest is written last, after all other files are on the disk. It contains the
SHA-256 of these files, and a seal, its own SHA-256. A forgotten load is moved whole to `.forgotten`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from pipeline.ingest.files.checksums import sha256_of

ROWS = "rows.parquet"
REJECTED = "rejected.parquet"
MISSING = "missing.parquet"
MANIFEST = "manifest.json"
WORK_PREFIX = ".work-"
FORGOTTEN = ".forgotten"

LOG_VERSION = 2
"""Version of the log format. Loads of version 1 have no old values, record numbers or creation times."""

_FOLDER = re.compile(r"(\d{6,})-[0-9a-f]{12}")


@dataclass(frozen=True)
class Load:
    """One file in the log, with the counts of its rows. Times are naive UTC.

    `rows_read` = `filtered` + the sum of `rejected` + `redelivered` + `duplicates` + `landed`. If the input reshapes records into
    rows, `rows_read` counts the rows, and a record without rows as one; `records` counts the records of the file. For a snapshot,
    `missing` counts the keys in the log that the file lacks. `lost` counts those that the previous snapshot had, out of `lost_of`.
    """

    input: str
    table: str
    load_no: int
    file_name: str
    sha256: str
    size: int
    loaded_at: datetime
    reading: dict[str, Any]
    header: tuple[str, ...]
    columns: dict[str, str]
    extras: dict[str, str]
    lines: int | None
    blank_lines: int
    embedded_newlines: int
    rows_read: int
    rejected: dict[str, int] = field(default_factory=dict)
    redelivered: int = 0
    duplicates: int = 0
    landed: int = 0
    gaps: int = 0
    overlaps: int = 0
    supersedes: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()
    header_lines: int | None = None
    """Lines of a CSV file up to and including its header, without blank lines; None for Parquet and for old loads."""
    sums: dict[str, str] = field(default_factory=dict)
    """SHA-256 of each file of the load, by name; empty for old loads."""
    rejected_later: dict[str, int] = field(default_factory=dict)
    """Landed rows that the models of the same run reject, by reason."""
    missing: int | None = None
    """None if the file is not a snapshot."""
    lost: int = 0
    lost_of: int = 0
    filtered: int = 0
    """Rows that `where` of the input or of its format removes."""
    records: int | None = None
    """None if each record is one row."""
    time_formats: dict[str, dict[str, int]] = field(default_factory=dict)
    """Accepted rows by the format that read their time, for each time column with several formats."""
    cursor_after: str | None = None
    """For a query with a cursor: the highest value before this load; None for a full load."""
    cursor: str | None = None
    """The highest cursor value, including the loads before it."""
    version: int = LOG_VERSION
    """Version of the log format of this load."""

    @property
    def rejected_rows(self) -> int:
        """Number of rows that were rejected during loading."""
        return sum(self.rejected.values())

    @property
    def all_rejected(self) -> int:
        """Number of rows that were rejected during loading or by the models of the same run."""
        return self.rejected_rows + sum(self.rejected_later.values())

    @property
    def counts(self) -> dict[str, Any]:
        """Counts of the lines and rows of the file, for logs and the manifest of a run."""
        return {
            "input": self.input,
            "load_no": self.load_no,
            "file": self.file_name,
            "lines": self.lines,
            "header_lines": self.header_lines,
            "blank_lines": self.blank_lines,
            "embedded_newlines": self.embedded_newlines,
            "records": self.records,
            "rows_read": self.rows_read,
            "filtered": self.filtered,
            "rejected": self.rejected_rows,
            "redelivered": self.redelivered,
            "duplicates": self.duplicates,
            "landed": self.landed,
            "time_formats": self.time_formats,
        }

    @property
    def folder(self) -> str:
        """Path of the load inside the log."""
        return folder_of(self.input, self.load_no, self.sha256)


def folder_of(input_name: str, load_no: int, sha256: str) -> str:
    """Return the path of a load inside the log; `sha256` is that of its input file."""
    return f"{input_name}/{load_no:06d}-{sha256[:12]}"


@dataclass(frozen=True)
class LandingLog:
    """All loads with a manifest, by load_no; `forgotten` loads are kept but not used."""

    path: Path
    loads: tuple[Load, ...] = ()
    forgotten: tuple[Load, ...] = ()

    @property
    def superseded(self) -> frozenset[int]:
        """Numbers of loads whose file was read again with other settings: kept, but not used."""
        return frozenset(number for load in self.loads for number in load.supersedes)

    @property
    def next_load_no(self) -> int:
        """Number of the next load. Numbers order all loads; the number of a forgotten load is not used again."""
        return max((load.load_no for load in (*self.loads, *self.forgotten)), default=0) + 1

    def current(self, input_name: str) -> tuple[Load, ...]:
        """Return the loads of an input that are in use, in the order of loading."""
        superseded = self.superseded
        return tuple(load for load in self.loads if load.input == input_name and load.load_no not in superseded)

    def file(self, load: Load, name: str) -> Path:
        """Return the path of a file of a load."""
        return self.path / load.folder / name

    def with_loads(self, *loads: Load) -> LandingLog:
        """Return this log with more loads."""
        return replace(self, loads=(*self.loads, *loads))


def open_log(folder: Path) -> LandingLog:
    """Open the log; a missing folder is an empty log. Raises InputError for an unreadable manifest."""
    return LandingLog(folder, _loads(folder), _loads(folder / FORGOTTEN))


def _loads(folder: Path) -> tuple[Load, ...]:
    loads = []
    for manifest in (path / MANIFEST for path in _folders(folder)):
        if not manifest.exists():
            continue
        try:
            load = _from_json(json.loads(manifest.read_text(encoding="utf-8")))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InputError(
                "the manifest of a load can't be read",
                where=str(manifest),
                next_step="restore the file from a backup; the log is the only copy of these rows",
            ) from error
        _require_own_folder(folder, manifest.parent, load)
        loads.append(load)
    return tuple(sorted(loads, key=lambda load: load.load_no))


def _require_own_folder(log: Path, folder: Path, load: Load) -> None:
    """Raises InputError for a copied or renamed folder of a load: its rows would be counted twice or not found."""
    own = log / load.folder
    if folder == own:
        return
    is_copy = own.is_dir()
    raise InputError(
        f"the landing log is damaged: this folder is {'a copy of' if is_copy else 'the renamed'} {load.folder}",
        where=str(folder),
        next_step=f"move it out of {log}" if is_copy else f"rename it back to {own}",
    )


def verify(log: LandingLog, counted: frozenset[str] = frozenset()) -> None:
    """Verify the SHA-256 of every file of the log. Raises InputError if one has changed or is missing.

    DuckDB does not notice a flipped bit in a Parquet file. `counted` are the folders of the loads of the published run.
    """
    for folder in _without_manifest(log.path):
        if not _is_leftover(folder, log, counted):
            raise InputError(
                "the landing log is damaged: a load has lost its manifest",
                where=str(folder),
                next_step="restore the folder from a backup; or, if its file is still among the inputs, move the folder "
                "away: the next run reads the file again",
            )
    for load in log.loads:
        _verify(log.path, load)


def _verify(parent: Path, load: Load) -> None:
    for name, sha256 in load.sums.items():
        path = parent / load.folder / name
        if not path.exists() or sha256_of(path) != sha256:
            raise InputError(
                f"the landing log is damaged: {'a file is missing' if not path.exists() else 'its content changed'}",
                where=str(path),
                next_step=f"restore {path.parent} from a backup; or, if its file `{load.file_name}` is still among "
                "the inputs, move that folder away: the next run reads the file again",
            )


def forget_load(log: LandingLog, load: Load) -> Path:
    """Move a load into `.forgotten` in one step. Returns its new folder. Needs the lock."""
    return _move(log.path, log.path / FORGOTTEN, load)


def restore_load(log: LandingLog, load: Load) -> Path:
    """Move a forgotten load back into the log in one step. Needs the lock. Raises InputError if its files have changed."""
    _verify(log.path / FORGOTTEN, load)
    return _move(log.path / FORGOTTEN, log.path, load)


def _move(source: Path, target: Path, load: Load) -> Path:
    folder = target / load.folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    (source / load.folder).rename(folder)
    for path in (folder.parent, target, (source / load.folder).parent):
        flush(path)
    return folder


def remove_leftovers(folder: Path, counted: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Delete what a killed run left: loads without a manifest and work folders. Returns their names, sorted.

    A load that was committed and lost its manifest stays, so that `verify` reports it; `counted` is the same as there.
    """
    log = open_log(folder)
    left_over = [path for path in _without_manifest(folder) if _is_leftover(path, log, counted)]
    left_over += [path for path in folder.glob(f"{WORK_PREFIX}*") if path.is_dir()]
    for path in left_over:
        shutil.rmtree(path)
    return tuple(sorted(path.relative_to(folder).as_posix() for path in left_over))


def _folders(log: Path) -> list[Path]:
    """Return the folders that are named like a load; other files in the log are ignored."""
    return sorted(path for path in log.glob("*/*") if _FOLDER.fullmatch(path.name) and path.is_dir())


def _without_manifest(log: Path) -> list[Path]:
    return [path for path in _folders(log) if not (path / MANIFEST).exists()]


def _is_leftover(folder: Path, log: LandingLog, counted: frozenset[str]) -> bool:
    """Whether a load was never committed. Loads are committed in the order of their numbers, so no committed load follows it."""
    number = int(folder.name.partition("-")[0])
    return number >= log.next_load_no and folder.relative_to(log.path).as_posix() not in counted


def commit(log: LandingLog, load: Load) -> Load:
    """Commit a load: sync its Parquet files to the disk, then its manifest, then the folders.

    Returns the load with the SHA-256 of its files.
    """
    folder = log.path / load.folder
    names = (ROWS, REJECTED, *([MISSING] if load.missing else []))
    for name in names:
        flush(folder / name)
    load = replace(load, sums={name: sha256_of(folder / name) for name in names})
    manifest = asdict(load) | {"format": load.version, "loaded_at": load.loaded_at.isoformat()}
    del manifest["version"]
    temporary = folder / f"{MANIFEST}.tmp"
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(_with_seal(manifest), file, indent=1, ensure_ascii=False, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(folder / MANIFEST)
    for path in (folder, folder.parent, log.path):
        flush(path)
    return load


def flush(path: Path) -> None:
    """Flush a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _with_seal(manifest: dict[str, Any]) -> dict[str, Any]:
    return {**manifest, "seal": hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()}


def _from_json(manifest: dict[str, Any]) -> Load:
    """Raises ValueError if the seal does not match, KeyError or TypeError if it is not the manifest of a load."""
    values = {name: value for name, value in manifest.items() if name != "seal"}
    if ("sums" in manifest or "seal" in manifest) and _with_seal(values) != manifest:
        raise ValueError("the seal does not match")
    values["version"] = values.pop("format")
    values["loaded_at"] = datetime.fromisoformat(values["loaded_at"])
    for name in ("header", "supersedes", "warnings"):
        values[name] = tuple(values[name])
    return Load(**values)
