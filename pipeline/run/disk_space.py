"""Estimates the disk space of a run, and turns "disk full" into one clear error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.config.configuration import Configuration
from pipeline.database import disk
from pipeline.errors import FunnelError, Interrupted
from pipeline.ingest.files.find import find
from pipeline.ingest.landing import loading
from pipeline.publish import run_folder

BYTES_PER_RUN = 45_000_000
"""Size of a run with almost no rows: DuckDB allocates blocks for every column, and there is the report."""
BYTES_PER_ROW = 600
"""Size of the database per row of the log: benchmarks/RESULTS.md has 0.58 GB for a million rows."""
MEGABYTE = 1_000_000


@contextmanager
def explained(configuration: Configuration, log_folder: Path) -> Iterator[None]:
    """Turn any failure by a full disk into one error that says how much more space is needed, and where.

    Must enclose all clean-up code, because the free space after it is what the next run will have.
    """
    try:
        yield
    except Interrupted:
        raise
    except Exception as failure:
        output = configuration.output
        if disk.is_limited(failure):
            raise FunnelError(
                "a file of the run reached the file size limit of this process",
                where=str(output),
                next_step="raise it (`ulimit -f unlimited`, under systemd `LimitFSIZE=infinity`); the published run stays",
            ) from failure
        if not disk.is_full(failure):
            raise
        needs_bytes = disk.free(_existing(output)) < estimate_run_size(configuration, log_folder)
        if not needs_bytes and disk.has_few_inodes(_existing(output)):
            raise FunnelError(
                "the file system has too few inodes left for the files of a run",
                where=str(output),
                next_step="remove files there (`df -i` shows inodes), or choose another folder with --output; the published "
                "run stays",
            ) from failure
        raise FunnelError(
            f"the disk is full: the run needs about {_megabytes_more(configuration, log_folder)} MB more in {output}",
            next_step="free disk space there, or choose another folder with --output; the published run stays",
        ) from failure


def _megabytes_more(configuration: Configuration, log_folder: Path) -> int:
    """Return the size of a run minus the free space; at least a quarter of the free space, since that was not enough."""
    free = disk.free(_existing(configuration.output))
    more = max(estimate_run_size(configuration, log_folder) - free, free // 4)
    return -(-more // MEGABYTE)


def _existing(folder: Path) -> Path:
    """Return the folder, or its nearest parent that exists."""
    return next(each for each in (folder, *folder.parents) if each.is_dir())


def estimate_run_size(configuration: Configuration, log_folder: Path) -> int:
    """Estimate the bytes that a run writes: the published run plus 10 %, else by rows of the log and size of new inputs.

    Does not include data that DuckDB spills to disk, which is not known before.
    """
    published = run_folder.current(configuration.output)
    if published is not None:
        return disk.size(published.parent) * 11 // 10
    loads = loading.open_log(log_folder).loads
    # A member of a zip archive is named `archive.zip/member.csv`.
    known = {(load.input, load.file_name.partition("/")[0]) for load in loads}
    files = [(each.name, file.path) for each in configuration.inputs for file in find(each)]
    of_inputs = sum(path.stat().st_size for name, path in files if (name, path.name) not in known)
    # A row of an export has about 100 bytes and needs less in the log, even uncompressed.
    rows = sum(load.landed for load in loads) + of_inputs // 100
    return BYTES_PER_RUN + BYTES_PER_ROW * rows + of_inputs
