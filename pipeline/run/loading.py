"""The first step of a run: loads new files into the landing log, and checks that the log is complete."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import duckdb

from pipeline.database import interrupt
from pipeline.database.connection import connect, within_memory
from pipeline.ingest.landing import loading
from pipeline.publish.manifest import PublishedRun, counted, counted_folders
from pipeline.run import access, accounting, requirements
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
    back = _went_back(new.published, options)
    # A report of a requested as-of must have the same bytes each time, so these messages are not in it.
    back_notes, back_warnings = ((), back) if options.configuration.waterfall.as_of else (back, ())
    accepted = (*landing.accepted, *lost)
    return Loaded(
        landing=landing,
        log=log,
        notes=(*map(str, landing.refused), *map(str, landing.missing), *newest, *stale, *back_notes),
        warnings=(
            *back_warnings,
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
        landing = _load_inputs(connection, options, dry_run=True)
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
        return _load_inputs(
            connection, options, allow_incomplete=options.allow_incomplete, accept_rejects=options.accept_rejects
        )
    finally:
        connection.close()


def _load_inputs(connection: duckdb.DuckDBPyConnection, options: RunOptions, **flags: bool) -> loading.LoadResult:
    folder, configuration = options.log_folder, options.configuration
    return loading.load_inputs(connection, configuration, folder, clock=options.clock, as_of=options.as_of, **flags)


def _went_back(published: PublishedRun | None, options: RunOptions) -> tuple[str, ...]:
    """Return messages about a clock or an as-of before those of the published run, if its manifest has them."""
    times = published.times if published else None
    if times is None:
        return ()
    last_as_of, last_clock = times
    texts = []
    if options.clock < last_clock:
        texts.append(
            f"the clock of this machine went back: the run started at {_moment(options.clock)}, and the published run at "
            f"{_moment(last_clock)}; set the clock"
        )
    if options.as_of < last_as_of:
        why = (
            "as it was requested"
            if options.configuration.waterfall.as_of
            else "the start of the run; give --as-of, or set the clock"
        )
        texts.append(
            f"as-of {_moment(options.as_of)} is before {_moment(last_as_of)}, that of the published run: {why}"
        )
    return tuple(texts)


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
