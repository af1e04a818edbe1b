"""Builds a run in its own folder, and publishes it by replacing one link.

    DIR/funnel.duckdb -> current/funnel.duckdb      DIR/reports -> current/reports
    DIR/current       -> runs/<run id>              DIR/runs/<run id>/{funnel.duckdb, reports/, manifest.json}

Readers use `current`, so database and reports change together. At any moment, even after a kill or a power failure, they
see the old run or the new one. This depends on the order: flush the files, rename the folder, flush its name, replace the
link, flush its name.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline.errors import FunnelError, InputError, UsageError
from pipeline.privacy.permissions import open_as
from pipeline.publish import lock

DATABASE = "funnel.duckdb"
REPORTS = "reports"
MANIFEST = "manifest.json"
CURRENT = "current"
PREVIOUS = "previous"
"""A file in a run folder with the id of the run published before it, so that the order does not depend on the clock."""

_RUN_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}")
_LEFTOVER_FOLDER = re.compile(rf"{_RUN_ID.pattern}\.(building|removing)")
_LEFTOVER_LINK = re.compile(rf"({CURRENT}|{re.escape(DATABASE)}|{REPORTS})\.new-\d+")


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run. Until `seal` its files are below `building`, afterwards below `sealed`."""

    root: Path
    id: str
    building: Path
    database: Path
    reports: Path
    spill: Path

    @property
    def manifest(self) -> Path:
        """Return the path of the manifest before the run is sealed."""
        return self.building / MANIFEST

    @property
    def sealed(self) -> Path:
        """Return the folder of the complete run."""
        return self.building.with_name(self.id)


def start_run(folder: Path, clock: datetime) -> RunFolder:
    """Create the folder of a new run. Raises UsageError before any work if the output folder can't be used.

    Deletes leftovers of killed runs, but only if this process holds the lock: without it, that run may be active.
    """
    lock.prepare_folder(folder)
    root = folder.resolve()
    runs = root / "runs"
    _require_free_names(root)
    try:
        if not runs.exists():
            runs.mkdir()
            lock.flush(root)
        open_as(runs, root)  # the rights of the output folder may have changed since the last run
        if not os.access(root, os.W_OK | os.X_OK):
            raise PermissionError(13, "permission denied")
        if lock.is_held(root):
            _sweep(root)
        run = _new_run_folder(root, runs, clock)
    except OSError as failure:
        raise lock.unusable(root, "can't be written", failure) from failure
    if len({path.stat().st_dev for path in (root, runs, run.building)}) > 1:
        discard(run)
        raise UsageError(
            "the output folder and its runs/ are on different file systems, so a run can't be published by one rename",
            where=str(runs),
            next_step="keep runs/ inside the output folder, without a link or a mount, or choose another --output",
        )
    return run


def seal(run: RunFolder) -> Path:
    """Make a built run final: flushed to disk, read-only, under its own name. Returns the folder. Does not publish it.

    Needs every connection to the database closed.
    """
    open_logs = _write_ahead_logs(run.building)
    if open_logs:
        raise FunnelError(
            "the database was not closed after its last checkpoint, so the file is not complete",
            where=str(open_logs[0]),
            next_step="nothing was published; start the run again, and report this if it comes back",
        )
    if not run.database.is_file():
        raise FunnelError("the run wrote no database", where=str(run.database), next_step="start the run again")
    with _disk_errors(run.root, "the run can't be flushed to disk"):
        published = _current_id(run.root)
        if published is not None:
            (run.building / PREVIOUS).write_text(f"{published}\n", "ascii")
        shutil.rmtree(run.spill, ignore_errors=True)
        for parent, _, names in os.walk(run.building, topdown=False):
            for path in (Path(parent, name) for name in sorted(names)):
                if path.stat().st_mode & 0o777 != 0o444:  # pages of earlier reports are links and stay unchanged
                    path.chmod(0o444)
                lock.flush(path)
            open_as(Path(parent), run.root)  # private until now; from here on with the rights of the output folder
            lock.flush(Path(parent))
        run.building.rename(run.sealed)
        lock.flush(run.sealed.parent)
    return run.sealed


def swap(run: RunFolder) -> list[str]:
    """Publish a sealed run: every new reader sees it. Returns warnings. Needs the lock.

    Moves a write-ahead log beside a database away first, because DuckDB would replay it into the new file.
    """
    lock.require_still_held()
    if not run.sealed.is_dir():
        raise FunnelError("there is no sealed run to publish", where=str(run.sealed), next_step="start the run again")
    _require_free_names(run.root)
    with _disk_errors(run.root, "the run can't be published"):
        warnings = _quarantine_logs(run)
        for name in (DATABASE, REPORTS):
            warnings += _repair_link(run.root / name, f"{CURRENT}/{name}")
        lock.flush(run.root)
        _replace_link(run.root / CURRENT, f"runs/{run.id}")
        lock.flush(run.root)
    return warnings


def discard(run: RunFolder) -> None:
    """Delete the files of a failed run. A published run stays, even if a later step failed."""
    shutil.rmtree(run.building, ignore_errors=True)
    if run.id != _current_id(run.root):
        _remove(run.sealed)


def prune(folder: Path, keep: int) -> list[str]:
    """Delete all runs except the newest `keep` (1 or more) and the published one. Returns the deleted ids.

    Keep at least 2: a reader that resolved the link right before a swap then still finds its file.
    """
    if keep < 1:
        raise ValueError("keep must be a number of runs, 1 or more")
    root = folder.resolve()
    published = _current_id(root)
    removable = [run_id for run_id in _run_ids(root)[:-keep] if run_id != published]
    for run_id in removable:
        _remove(root / "runs" / run_id)
    return removable


def current(folder: Path) -> Path | None:
    """Return the path of the published database in its run folder, which a swap does not change; None if there is none."""
    database = folder / DATABASE
    return database.resolve() if database.is_file() else None


def open_errors(path: Path, failure: Exception) -> FunnelError:
    """Return the error for the user when DuckDB can't open or read the published file at `path`."""
    text = str(failure)
    where = str(path)
    if not path.exists():
        return UsageError("there is no published run here", where=where, next_step="run `funnel run` first")
    if "version number" in text or "storage version greater" in text:
        import duckdb

        return InputError(
            f"the file was written by DuckDB {_written_by(path)}, and this is DuckDB v{duckdb.__version__}, "
            "which can't read it",
            where=where,
            next_step="use the newer DuckDB, or rebuild the file with this one: `funnel run --from-log`",
        )
    if "Permission denied" in text or not os.access(path, os.R_OK):
        return UsageError(
            "the published file can't be read by this user", where=where, next_step="ask its owner for read access"
        )
    if "Could not set lock" in text:
        return UsageError(
            "another program has the published file open for writing", where=where, next_step="close that program"
        )
    return corrupt(path)


def corrupt(path: Path) -> InputError:
    """Return the error for a damaged published file."""
    return InputError(
        "the database file is corrupt (truncated, or changed on the disk)",
        where=str(path),
        next_step="rebuild it from the landing log with `funnel run --from-log`",
    )


def _require_free_names(root: Path) -> None:
    """Raise UsageError if a file or folder of the user has the name of a published link. Only links are replaced."""
    for name in (CURRENT, DATABASE, REPORTS):
        path = root / name
        if path.exists() and not path.is_symlink():
            raise UsageError(
                "is in the way: the published run needs a link of this name, and only links are replaced",
                where=str(path),
                next_step="move it away, or choose another folder with --output",
            )
    runs = root / "runs"
    if (runs.exists() or runs.is_symlink()) and not runs.is_dir():
        raise UsageError(
            "is in the way: the runs are stored in a folder of this name",
            where=str(runs),
            next_step="move it away, or choose another folder with --output",
        )


def _new_run_folder(root: Path, runs: Path, clock: datetime) -> RunFolder:
    while True:
        run_id = f"{clock.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
        building = runs / f"{run_id}.building"
        if (runs / run_id).exists() or building.exists():
            continue
        building.mkdir(mode=0o700)
        run = RunFolder(root, run_id, building, building / DATABASE, building / REPORTS, building / "spill")
        run.reports.mkdir()
        run.spill.mkdir()
        return run


def _sweep(root: Path) -> None:
    """Delete leftovers of killed runs: unfinished folders, half-deleted folders and temporary links."""
    for path in (root / "runs").iterdir():
        if _LEFTOVER_FOLDER.fullmatch(path.name):
            shutil.rmtree(path, ignore_errors=True)
    for path in root.iterdir():
        if _LEFTOVER_LINK.fullmatch(path.name) and path.is_symlink():
            path.unlink(missing_ok=True)


def _quarantine_logs(run: RunFolder) -> list[str]:
    """Rename every write-ahead log beside DIR/funnel.duckdb, the published file and the new one."""
    folders = [run.root, run.sealed]
    published = _current_id(run.root)
    if published is not None:
        folders.append(run.root / "runs" / published)
    warnings = []
    for log in (log for folder in folders for log in _write_ahead_logs(folder)):
        aside = log.with_name(f"{log.name}.quarantine-{run.id}")
        log.rename(aside)
        lock.flush(log.parent)
        warnings.append(
            f"{log}: another program opened the published file for writing; its changes are in {aside.name} "
            "and are not part of the published run"
        )
    return warnings


def _write_ahead_logs(folder: Path) -> list[Path]:
    """Return the write-ahead logs in a folder: `.wal`, or `.wal.checkpoint` and `.wal.recovery` of a broken checkpoint."""
    return sorted(log for log in folder.glob(f"{DATABASE}.wal*") if ".quarantine-" not in log.name)


def _repair_link(link: Path, target: str) -> list[str]:
    """Create a link or correct its target. Returns a warning if it had another target."""
    if not link.is_symlink():
        _replace_link(link, target)
        return []
    if str(link.readlink()) == target:
        return []
    _replace_link(link, target)
    return [f"{link}: the link had another target; it points to {target} again"]


def _replace_link(link: Path, target: str) -> None:
    """Replace a link by one rename, so that the name always exists."""
    aside = link.with_name(f"{link.name}.new-{os.getpid()}")
    aside.unlink(missing_ok=True)
    aside.symlink_to(target)
    aside.replace(link)


def _remove(run_folder: Path) -> None:
    """Delete a run folder. Renames it first, so that a kill never leaves an incomplete run under its final name."""
    removing = run_folder.with_name(f"{run_folder.name}.removing")
    try:
        run_folder.rename(removing)
    except OSError:
        return  # already deleted, or without the right to delete it
    shutil.rmtree(removing, ignore_errors=True)


def _run_ids(root: Path) -> list[str]:
    """Return the sealed runs in order of publication, independent of the clock; runs that were never published come first."""
    runs = root / "runs"
    if not runs.is_dir():
        return []
    ids = {path.name for path in runs.iterdir() if _RUN_ID.fullmatch(path.name) and path.is_dir()}
    published: list[str] = []
    run_id = _current_id(root)
    while run_id in ids and run_id not in published:
        published.append(run_id)
        run_id = _previous(runs / run_id)
    return [*sorted(ids - set(published)), *reversed(published)]


def _previous(run_folder: Path) -> str | None:
    """Return the run that was published before this one; None for the first run and for runs of earlier versions."""
    with suppress(OSError, UnicodeDecodeError):
        return (run_folder / PREVIOUS).read_text("ascii").strip()
    return None


def _current_id(root: Path) -> str | None:
    link = root / CURRENT
    return link.readlink().name if link.is_symlink() else None


@contextmanager
def _disk_errors(root: Path, what: str) -> Iterator[None]:
    """Turn an OSError of a full or broken disk into a FunnelError. The published run stays."""
    try:
        yield
    except OSError as failure:
        raise FunnelError(
            f"{what}: {(failure.strerror or type(failure).__name__).lower()}",
            where=str(failure.filename or root),
            next_step="free space on the disk or repair it, then start the run again; the published run is complete",
        ) from failure


def _written_by(path: Path) -> str:
    """Return the DuckDB version and the storage version in the header of a database file."""
    with path.open("rb") as file:
        head = file.read(96)
    name = head[52:84].split(b"\0")[0].decode("ascii", "replace")
    words = name if re.fullmatch(r"v[\w.+-]+", name) else "of an unknown version"
    return f"{words} (storage version {int.from_bytes(head[12:20], 'little')})"
