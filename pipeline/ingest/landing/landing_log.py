"""The landing log: one folder a load with its accepted rows, its rejected rows and a manifest, only ever added to.

A load is there when its manifest is there; the manifest is written last, after everything else is on the disk. It holds
the SHA-256 of the files beside it, and a seal: that of itself. A load that was forgotten lies in `.forgotten`, whole.
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

ROWS = "rows.parquet"
REJECTED = "rejected.parquet"
MISSING = "missing.parquet"
MANIFEST = "manifest.json"
WORK_PREFIX = ".work-"
FORGOTTEN = ".forgotten"

LOG_VERSION = 2
"""The form of the log that is written. Files of form 1 never have old values, record numbers and times of creation."""

_FOLDER = re.compile(r"(\d{6,})-[0-9a-f]{12}")


@dataclass(frozen=True)
class Load:
    """One file that was read into the log, with the account of its rows. Times are naive UTC; counts are rows.

    `rows_read` = `filtered` + the sum of `rejected` + `redelivered` + `duplicates` + `landed`. Where the input makes rows
    of records, `rows_read` counts the rows, and a record without any as one; `records` counts the records of the file.
    Of a snapshot, `missing` counts the keys that the log knows and the file does not have, and `lost` those of them that
    the snapshot before had, out of `lost_of`.
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
    """Lines of a CSV file up to its header that are not blank; None for Parquet, and in loads older than this count."""
    sums: dict[str, str] = field(default_factory=dict)
    """SHA-256 of each file of the load, by name; empty in a log of before they were taken."""
    rejected_later: dict[str, int] = field(default_factory=dict)
    """Rows that landed and that the models reject by the configuration of the run that read them, by reason."""
    missing: int | None = None
    """None for a file that is no snapshot."""
    lost: int = 0
    lost_of: int = 0
    filtered: int = 0
    """Rows that the `where` of the input or of its format leaves out."""
    records: int | None = None
    """None where each record is a row."""
    time_formats: dict[str, dict[str, int]] = field(default_factory=dict)
    """Accepted rows by the format that read their time, for each time column that several formats may read."""
    cursor_after: str | None = None
    """Of the result of a query with a cursor: the highest value that was known before it; None where it is the whole."""
    cursor: str | None = None
    """The highest value of the cursor, of this load and of those that it goes on from."""
    version: int = LOG_VERSION
    """The form of the log when the load was written."""

    @property
    def rejected_rows(self) -> int:
        """How many rows were rejected, for whatever reason."""
        return sum(self.rejected.values())

    @property
    def all_rejected(self) -> int:
        """How many rows were rejected on landing or by the models of the run that read the file."""
        return self.rejected_rows + sum(self.rejected_later.values())

    @property
    def counts(self) -> dict[str, Any]:
        """What became of the lines and rows of the file, as counts."""
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
        """Where the load lies inside the log."""
        return folder_of(self.input, self.load_no, self.sha256)


def folder_of(input_name: str, load_no: int, sha256: str) -> str:
    """Where a load lies inside the log; `sha256` is that of its file."""
    return f"{input_name}/{load_no:06d}-{sha256[:12]}"


@dataclass(frozen=True)
class LandingLog:
    """Every load that has a manifest, by load_no; `forgotten` ones lie aside and count nowhere."""

    path: Path
    loads: tuple[Load, ...] = ()
    forgotten: tuple[Load, ...] = ()

    @property
    def superseded(self) -> frozenset[int]:
        """Loads whose file was read again with other settings: kept, but no longer counted."""
        return frozenset(number for load in self.loads for number in load.supersedes)

    @property
    def next_load_no(self) -> int:
        """The number of the next load; numbers order all loads of a log, and that of a forgotten one is never free again."""
        return max((load.load_no for load in (*self.loads, *self.forgotten)), default=0) + 1

    def current(self, input_name: str) -> tuple[Load, ...]:
        """The loads of one input that count, in the order in which they were read."""
        superseded = self.superseded
        return tuple(load for load in self.loads if load.input == input_name and load.load_no not in superseded)

    def file(self, load: Load, name: str) -> Path:
        """The path of one file of a load."""
        return self.path / load.folder / name

    def with_load(self, load: Load) -> LandingLog:
        """This log and one more load."""
        return replace(self, loads=(*self.loads, load))


def open_log(folder: Path) -> LandingLog:
    """The log as it lies there; a missing folder is an empty log. Raises InputError for a manifest it can't read."""
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
    """InputError for a load that lies elsewhere than where it was written: its rows would be counted twice, or not found."""
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
    """Read every file of the log once and hold it against its manifest. Raises InputError for one that has changed.

    A flipped bit in a Parquet file is another value or none; DuckDB would read either without a word. `counted` are the
    folders of the loads that the published night counted.
    """
    for folder in _without_manifest(log.path):
        if not _is_leftover(folder, log, counted):
            raise InputError(
                "the landing log is damaged: a load has lost its manifest",
                where=str(folder),
                next_step="restore the folder from a backup; or, if its file is still among the inputs, move the folder "
                "away: the next run reads the file anew",
            )
    for load in log.loads:
        _verify(log.path, load)


def _verify(parent: Path, load: Load) -> None:
    for name, promised in load.sums.items():
        path = parent / load.folder / name
        if not path.exists() or sha256_of(path) != promised:
            raise InputError(
                f"the landing log is damaged: {'it is not there' if not path.exists() else 'its content changed'}",
                where=str(path),
                next_step=f"restore {path.parent} from a backup; or, if its file `{load.file_name}` is still among "
                "the inputs, move that folder away: the next run reads the file anew",
            )


def forget_load(log: LandingLog, load: Load) -> Path:
    """Move a load of the log into `.forgotten`, in one step. Returns its folder there. Only under the lock."""
    return _move(log.path, log.path / FORGOTTEN, load)


def restore_load(log: LandingLog, load: Load) -> Path:
    """Move a forgotten load back into the log, in one step. InputError when its files changed. Only under the lock."""
    _verify(log.path / FORGOTTEN, load)
    return _move(log.path / FORGOTTEN, log.path, load)


def _move(source: Path, target: Path, load: Load) -> Path:
    folder = target / load.folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    (source / load.folder).rename(folder)
    for path in (folder.parent, target, (source / load.folder).parent):
        _sync(path)
    return folder


def sha256_of(path: Path) -> str:
    """Of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove_leftovers(folder: Path, counted: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Remove what a killed run left: loads without a manifest, work folders. Returns their names, sorted.

    A load that was real and lost its manifest stays for `verify` to tell; `counted` is what that takes.
    """
    log = open_log(folder)
    left_over = [path for path in _without_manifest(folder) if _is_leftover(path, log, counted)]
    left_over += [path for path in folder.glob(f"{WORK_PREFIX}*") if path.is_dir()]
    for path in left_over:
        shutil.rmtree(path)
    return tuple(sorted(path.relative_to(folder).as_posix() for path in left_over))


def _folders(log: Path) -> list[Path]:
    """The folders that are named like a load; what else somebody keeps in the log is not ours."""
    return sorted(path for path in log.glob("*/*") if _FOLDER.fullmatch(path.name) and path.is_dir())


def _without_manifest(log: Path) -> list[Path]:
    return [path for path in _folders(log) if not (path / MANIFEST).exists()]


def _is_leftover(folder: Path, log: LandingLog, counted: frozenset[str]) -> bool:
    """Loads become real in the order of their numbers, so one that never was real has no real one after it."""
    number = int(folder.name.partition("-")[0])
    return number >= log.next_load_no and folder.relative_to(log.path).as_posix() not in counted


def commit(log: LandingLog, load: Load) -> Load:
    """Make a load real: its Parquet files to the disk, then its manifest, then the folders that name them.

    Returns the load with the SHA-256 of its files.
    """
    folder = log.path / load.folder
    names = (ROWS, REJECTED, *([MISSING] if load.missing else []))
    for name in names:
        _sync(folder / name)
    load = replace(load, sums={name: sha256_of(folder / name) for name in names})
    aside = folder / f"{MANIFEST}.tmp"
    with aside.open("w", encoding="utf-8") as file:
        json.dump(_with_seal(_to_json(load)), file, indent=1, ensure_ascii=False, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    aside.rename(folder / MANIFEST)
    for path in (folder, folder.parent, log.path):
        _sync(path)
    return load


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _to_json(load: Load) -> dict[str, Any]:
    held = asdict(load)
    return {"format": held.pop("version"), **held, "loaded_at": load.loaded_at.isoformat()}


def _with_seal(held: dict[str, Any]) -> dict[str, Any]:
    return {**held, "seal": hashlib.sha256(json.dumps(held, sort_keys=True).encode()).hexdigest()}


def _from_json(held: dict[str, Any]) -> Load:
    """Raises ValueError when the seal does not fit, KeyError or TypeError when the manifest is not ours."""
    values = {name: value for name, value in held.items() if name != "seal"}
    if ("sums" in held or "seal" in held) and _with_seal(values) != held:
        raise ValueError("the seal does not fit")
    values["version"] = values.pop("format")
    values["loaded_at"] = datetime.fromisoformat(values["loaded_at"])
    for name in ("header", "supersedes", "warnings"):
        values[name] = tuple(values[name])
    return Load(**values)
