"""A night is built aside in its own run folder and published whole by the rename of one link.

    DIR/funnel.duckdb -> current/funnel.duckdb      DIR/reports -> current/reports
    DIR/current       -> runs/<run id>              DIR/runs/<run id>/{funnel.duckdb, reports/, manifest.json}

Readers go through `current`, so database and reports change together: at any moment, a killed process and a power cut
included, they see the old night or the new one. The order is what makes it so: files flushed, folder renamed, its name
flushed, link replaced, its name flushed.
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
"""A file of a run: the id of the one that was published before it, so that their order needs no clock."""

_RUN_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}")
_LEFTOVER_FOLDER = re.compile(rf"{_RUN_ID.pattern}\.(building|removing)")
_LEFTOVER_LINK = re.compile(rf"({CURRENT}|{re.escape(DATABASE)}|{REPORTS})\.new-\d+")


@dataclass(frozen=True)
class RunFolder:
    """Where one run builds. The paths under `building` hold until `seal`; afterwards the night is in `sealed`."""

    root: Path
    id: str
    building: Path
    database: Path
    reports: Path
    spill: Path

    @property
    def manifest(self) -> Path:
        """Where the run writes its manifest, before it is sealed."""
        return self.building / MANIFEST

    @property
    def sealed(self) -> Path:
        """The folder of the night once it is complete."""
        return self.building.with_name(self.id)


def start_run(folder: Path, clock: datetime) -> RunFolder:
    """Make the folder of a new run, after every look at DIR that can refuse it before any work.

    Leftovers of killed runs are swept, but only while this process holds the lock: without it they may be alive.
    """
    lock.ready_folder(folder)
    root = folder.resolve()
    runs = root / "runs"
    _refuse_what_is_in_the_way(root)
    try:
        if not runs.exists():
            runs.mkdir()
            lock.flush(root)
        open_as(runs, root)  # also when somebody opened or closed the output folder since the last night
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
            "the output folder and its runs/ are on different file systems, so a night can't be published at once",
            where=str(runs),
            next_step="keep runs/ inside the output folder, without a link or a mount, or give another --output",
        )
    return run


def seal(run: RunFolder) -> Path:
    """Make the built night final: flushed to the disk, read-only, under its own name. Returns the folder.

    Close every connection to the database first. Nothing is published yet.
    """
    open_logs = _write_ahead_logs(run.building)
    if open_logs:
        raise FunnelError(
            "the database was not closed after its last checkpoint, so the file alone is not the whole night",
            where=str(open_logs[0]),
            next_step="nothing was published; start the run again, and report this if it comes back",
        )
    if not run.database.is_file():
        raise FunnelError("the run left no database", where=str(run.database), next_step="start the run again")
    with _disk_faults(run.root, "the night can't be written out"):
        published = _current_id(run.root)
        if published is not None:
            (run.building / PREVIOUS).write_text(f"{published}\n", "ascii")
        shutil.rmtree(run.spill, ignore_errors=True)
        for parent, _, names in os.walk(run.building, topdown=False):
            for path in (Path(parent, name) for name in sorted(names)):
                if path.stat().st_mode & 0o777 != 0o444:  # pages of earlier nights are links, and final
                    path.chmod(0o444)
                lock.flush(path)
            open_as(Path(parent), run.root)  # private while it was built; from here on as open as the folder around it
            lock.flush(Path(parent))
        run.building.rename(run.sealed)
        lock.flush(run.sealed.parent)
    return run.sealed


def swap(run: RunFolder) -> list[str]:
    """Publish a sealed night: from here on every reader sees it. Returns warnings. Holds only under our lock.

    A write-ahead log beside a database is moved away first, since DuckDB would replay it into the new file.
    """
    lock.still_ours()
    if not run.sealed.is_dir():
        raise FunnelError("there is no sealed night to publish", where=str(run.sealed), next_step="start the run again")
    _refuse_what_is_in_the_way(run.root)
    with _disk_faults(run.root, "the night can't be published"):
        warnings = _quarantine_logs(run)
        for name in (DATABASE, REPORTS):
            warnings += _point(run.root / name, f"{CURRENT}/{name}")
        lock.flush(run.root)
        _replace_link(run.root / CURRENT, f"runs/{run.id}")
        lock.flush(run.root)
    return warnings


def discard(run: RunFolder) -> None:
    """Remove what a failed run built. A night that is published stays, whatever failed after it."""
    shutil.rmtree(run.building, ignore_errors=True)
    if run.id != _current_id(run.root):
        _remove(run.sealed)


def prune(folder: Path, keep: int) -> list[str]:
    """Remove the oldest nights beyond the newest `keep` (1 or more), never the published one. Returns their ids.

    Keep at least 2, so that a reader who found the link a moment before a swap still finds the file behind it.
    """
    if keep < 1:
        raise ValueError("keep is a number of nights, 1 or more")
    root = folder.resolve()
    published = _current_id(root)
    removable = [run_id for run_id in _run_ids(root)[:-keep] if run_id != published]
    for run_id in removable:
        _remove(root / "runs" / run_id)
    return removable


def current(folder: Path) -> Path | None:
    """The published database: its own path in the run folder, which a swap does not change. None if there is none."""
    database = folder / DATABASE
    return database.resolve() if database.is_file() else None


def open_errors(path: Path, failure: Exception) -> FunnelError:
    """What the user is told when DuckDB can't open, or can't read on in, the published file at `path`."""
    text = str(failure)
    where = str(path)
    if not path.exists():
        return UsageError("there is no published night here", where=where, next_step="run `funnel run` first")
    if "version number" in text or "storage version greater" in text:
        return InputError(
            f"the file was written by DuckDB {_written_by(path)}, and this is DuckDB {_duckdb_version()}, "
            "which can't read it",
            where=where,
            next_step="use the newer DuckDB, or write the file again with this one: `funnel run --from-log`",
        )
    if "Permission denied" in text or not os.access(path, os.R_OK):
        return UsageError("the published file can't be read by this user", where=where, next_step="ask for the right")
    if "Could not set lock" in text:
        return UsageError(
            "another program has the published file open for writing", where=where, next_step="close it there"
        )
    return corrupt(path)


def corrupt(path: Path) -> InputError:
    """The error for a published file that is damaged."""
    return InputError(
        "the database file is corrupt (cut short, or changed on the disk)",
        where=str(path),
        next_step="rebuild it from the landing log with `funnel run --from-log`",
    )


def _refuse_what_is_in_the_way(root: Path) -> None:
    """Only links of ours are ever replaced; a file or folder of the user's is not."""
    for name in (CURRENT, DATABASE, REPORTS):
        path = root / name
        if path.exists() and not path.is_symlink():
            raise UsageError(
                "is in the way: the published night needs a link of this name, and only its own links are replaced",
                where=str(path),
                next_step="move it away, or give another folder with --output",
            )
    runs = root / "runs"
    if (runs.exists() or runs.is_symlink()) and not runs.is_dir():
        raise UsageError(
            "is in the way: the nights are kept in a folder of this name",
            where=str(runs),
            next_step="move it away, or give another folder with --output",
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
    """Remove what killed runs left: half-built nights with their spill, half-removed ones, links not yet in place."""
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
            f"{log}: somebody opened the published file for writing; what they wrote is kept in {aside.name} "
            "and is not part of the night"
        )
    return warnings


def _write_ahead_logs(folder: Path) -> list[Path]:
    """The logs of the database in a folder: `.wal`, or `.wal.checkpoint` and `.wal.recovery` of a broken checkpoint."""
    return sorted(log for log in folder.glob(f"{DATABASE}.wal*") if ".quarantine-" not in log.name)


def _point(link: Path, target: str) -> list[str]:
    """Make sure that a link leads to its target; a warning when it led elsewhere."""
    if not link.is_symlink():
        _replace_link(link, target)
        return []
    if str(link.readlink()) == target:
        return []
    _replace_link(link, target)
    return [f"{link}: the link led somewhere else; it leads to {target} again"]


def _replace_link(link: Path, target: str) -> None:
    """Point a link to a target by one rename, so that the name is there at every moment."""
    aside = link.with_name(f"{link.name}.new-{os.getpid()}")
    aside.unlink(missing_ok=True)
    aside.symlink_to(target)
    aside.replace(link)


def _remove(run_folder: Path) -> None:
    """Remove a night; renamed first, so that a kill in between leaves no half night under a whole one's name."""
    removing = run_folder.with_name(f"{run_folder.name}.removing")
    try:
        run_folder.rename(removing)
    except OSError:
        return  # gone already, or not ours to remove
    shutil.rmtree(removing, ignore_errors=True)


def _run_ids(root: Path) -> list[str]:
    """The sealed runs in the order in which they were published, whatever the clock was; first those that never were."""
    runs = root / "runs"
    if not runs.is_dir():
        return []
    there = {path.name for path in runs.iterdir() if _RUN_ID.fullmatch(path.name) and path.is_dir()}
    published: list[str] = []
    run_id = _current_id(root)
    while run_id in there and run_id not in published:
        published.append(run_id)
        run_id = _previous(runs / run_id)
    return [*sorted(there - set(published)), *reversed(published)]


def _previous(run_folder: Path) -> str | None:
    """The run that was published before this one; None for the first, and in a run older than this file."""
    with suppress(OSError, UnicodeDecodeError):
        return (run_folder / PREVIOUS).read_text("ascii").strip()
    return None


def _current_id(root: Path) -> str | None:
    link = root / CURRENT
    return link.readlink().name if link.is_symlink() else None


@contextmanager
def _disk_faults(root: Path, what: str) -> Iterator[None]:
    """Tell a full or broken disk as an error of ours; the published night is not touched by it."""
    try:
        yield
    except OSError as failure:
        raise FunnelError(
            f"{what}: {(failure.strerror or type(failure).__name__).lower()}",
            where=str(failure.filename or root),
            next_step="make room or repair the disk, then start the run again; the last published night is complete",
        ) from failure


def _written_by(path: Path) -> str:
    """The version of DuckDB in the head of a database file, and its storage version."""
    with path.open("rb") as file:
        head = file.read(96)
    name = head[52:84].split(b"\0")[0].decode("ascii", "replace")
    words = name if re.fullmatch(r"v[\w.+-]+", name) else "of an unknown version"
    return f"{words} (storage version {int.from_bytes(head[12:20], 'little')})"


def _duckdb_version() -> str:
    import duckdb

    return f"v{duckdb.__version__}"
