"""The first step of a run: loads new files into the landing log, and checks that the log is complete."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pipeline.database import interrupt
from pipeline.database.connection import connect, within_memory
from pipeline.ingest.landing import loading
from pipeline.publish.manifest import PublishedRun, counted, counted_folders
from pipeline.run import access, accounting, requirements
from pipeline.run.clock import went_back
from pipeline.run.options import RunOptions
from pipeline.run.publishing import NewRun


@dataclass(frozen=True)
class Loaded:
    """The landing log with the new files, and messages about them."""

    landing: loading.LoadResult
    log: loading.LandingLog
    notes: tuple[str, ...]
    """For the report and the log of the run."""
    warnings: tuple[str, ...]
    """For the log of the run only."""
    stale: tuple[str, ...]
    """Inputs whose newest file is too old."""
    accepted: tuple[str, ...]
    """Accepted failures of volume and completeness checks."""


def load(new: NewRun) -> Loaded:
    """Load the new files of the inputs, unless the run reads only the log. Raises InputError or CheckFailed."""
    options = new.options
    if new.published is not None and not options.from_log:
        _ = new.published.manifest  # raises if it can't be read: it lists the loads that the log must have
    with new.phases.timed("load"):
        landing = _land(new)
    log = loading.open_log(options.log_folder)
    requirements.require_readable(landing)
    requirements.require_usable(options, landing, log.loads)
    accounting.require_sums(log.loads)
    requirements.require_whole(landing)
    lost = accounting.require_kept(
        counted(new.published), (*log.loads, *log.forgotten), accept=options.allow_incomplete
    )
    newest, stale = requirements.require_fresh(options, log.loads)
    back = went_back(new.published, options)
    accepted = (*landing.accepted, *lost)
    return Loaded(
        landing=landing,
        log=log,
        notes=(*map(str, landing.refused), *map(str, landing.missing), *newest, *stale, *back.notes),
        warnings=(
            *back.warnings,
            *(f"accepted: {each}" for each in (*accepted, *landing.accepted_rejects)),
            *landing.warnings,
        ),
        stale=stale,
        accepted=accepted,
    )


def check(options: RunOptions) -> loading.LoadResult:
    """Read every input and check its row accounting, without writing. Raises InputError or CheckFailed as a run does."""
    access.require(options, "check")
    published = PublishedRun.read(options.output)
    loading.verify(loading.open_log(options.log_folder), counted_folders(published))
    connection = connect(None, options.settings, reads_files=True)
    with interrupt.interruptible(connection), within_memory():
        landing = loading.load_inputs(
            connection,
            options.configuration,
            options.log_folder,
            clock=options.clock,
            as_of=options.as_of,
            dry_run=True,
        )
        log = loading.open_log(options.log_folder)
        loads = (*log.loads, *landing.loads)
        requirements.require_readable(landing)
        requirements.require_usable(options, landing, loads)
        requirements.require_whole(landing)
        lost = accounting.require_kept(counted(published), (*loads, *log.forgotten), accept=options.allow_incomplete)
        requirements.dimension_sources(options.configuration, loads)
        newest, stale = requirements.require_fresh(options, loads)
        requirements.require_named(connection, options, log, landing)
        requirements.require_some_kept(connection, options, log, landing)
    return replace(landing, warnings=(*landing.warnings, *lost, *newest, *stale))


def _land(new: NewRun) -> loading.LoadResult:
    options = new.options
    folders = counted_folders(new.published)
    loading.remove_leftovers(options.log_folder, folders)
    loading.verify(loading.open_log(options.log_folder), folders)
    if options.from_log or options.select:
        return loading.LoadResult()
    connection = connect(None, options.settings, spill=new.folder.spill, reads_files=True)
    new.connections.add(connection)
    try:
        return loading.load_inputs(
            connection,
            options.configuration,
            options.log_folder,
            clock=options.clock,
            as_of=options.as_of,
            allow_incomplete=options.allow_incomplete,
            accept_rejects=options.accept_rejects,
        )
    finally:
        connection.close()
