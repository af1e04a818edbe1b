"""The room a night needs on the disk, told when there was too little of it."""

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

BYTES_OF_A_RUN = 30_000_000
"""A night of next to no rows: DuckDB gives every column of a table its blocks, and there is the report."""
BYTES_OF_A_ROW = 600
"""Of the database, for a row of the log: benchmarks/RESULTS.md has 0.58 GB at a million."""
MEGABYTE = 1_000_000


@contextmanager
def explained(configuration: Configuration, log_folder: Path) -> Iterator[None]:
    """Turn whatever a full disk made fail inside into one sentence: how much more is needed, and where.

    Outside everything that cleans up: what is free then is what the next run will have.
    """
    try:
        yield
    except Interrupted:
        raise
    except Exception as failure:
        output = configuration.output
        if disk.is_limited(failure):
            raise FunnelError(
                "a file of the night was not allowed to grow: this process has a limit on the size of its files",
                where=str(output),
                next_step="raise it (`ulimit -f unlimited`, under systemd `LimitFSIZE=infinity`); what was published stays",
            ) from failure
        if not disk.is_full(failure):
            raise
        needs_bytes = disk.free(_there(output)) < estimate_run_size(configuration, log_folder)
        if not needs_bytes and disk.has_few_inodes(_there(output)):
            raise FunnelError(
                "the file system has too few inodes left: it has room for bytes and not for the files of a run",
                where=str(output),
                next_step="remove files there (`df -i` shows them), or give another folder with --output; what was "
                "published before stays",
            ) from failure
        raise FunnelError(
            f"the disk is full: the run needs about {_megabytes_more(configuration, log_folder)} MB more in {output}",
            next_step="make room there, or give another folder with --output; what was published before stays",
        ) from failure


def _megabytes_more(configuration: Configuration, log_folder: Path) -> int:
    """What a night takes less what is free; at least a quarter of that, for it was not enough."""
    free = disk.free(_there(configuration.output))
    more = max(estimate_run_size(configuration, log_folder) - free, free // 4)
    return -(-more // MEGABYTE)


def _there(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next(each for each in (folder, *folder.parents) if each.is_dir())


def estimate_run_size(configuration: Configuration, log_folder: Path) -> int:
    """About what one run writes: as much as the published night and a tenth, else by the rows of the log and its inputs.

    What a query spills because it does not fit into the memory is not in it: nobody knows before.
    """
    published = run_folder.current(configuration.output)
    if published is not None:
        return disk.size(published.parent) * 11 // 10
    loads = loading.open_log(log_folder).loads
    # A member of a zip archive is named `archive.zip/member.csv`.
    known = {(load.input, load.file_name.partition("/")[0]) for load in loads}
    files = [(each.name, file.path) for each in configuration.inputs for file in find(each)]
    of_inputs = sum(path.stat().st_size for name, path in files if (name, path.name) not in known)
    # A row of an export has about a hundred bytes; its place in the log is smaller, even before it is compressed.
    rows = sum(load.landed for load in loads) + of_inputs // 100
    return BYTES_OF_A_RUN + BYTES_OF_A_ROW * rows + of_inputs
