"""Publishes a run: takes the lock, records the outcome, and publishes all of its files or none."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import log
from pipeline.database import interrupt
from pipeline.database.connection import within_memory
from pipeline.errors import InputError, UsageError
from pipeline.ingest.landing import loading
from pipeline.privacy.permissions import private_files
from pipeline.publish import attempts, lock, run_folder
from pipeline.publish.manifest import PublishedRun, counted_folders
from pipeline.run import access, disk_space
from pipeline.run.options import RunOptions


@dataclass(frozen=True)
class NewRun:
    """The state that every step of a run needs."""

    options: RunOptions
    folder: run_folder.RunFolder
    published: PublishedRun | None
    """The run that this one replaces; None for the first."""
    connections: interrupt.Watch
    """Connections that a signal interrupts."""
    phases: log.Phases


@dataclass(frozen=True)
class Summary:
    """Row accounting and warnings, for the end of a run."""

    accounting: tuple[dict[str, Any], ...] = ()
    """One row accounting per input."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class FinishedRun:
    """A published run."""

    run_id: str
    database: Path
    report: Path
    accounting: tuple[dict[str, Any], ...]
    warnings: tuple[str, ...]
    seconds: float


def publish(command: str, options: RunOptions, steps: Callable[[NewRun], Summary]) -> FinishedRun:
    """Call `steps` to fill the folder of a new run, and publish it. If FunnelError is raised, the published run stays."""
    started, phases, output = time.monotonic(), log.Phases(), options.output
    with (
        private_files(),
        attempts.recording(output, options.clock, command) as attempt,
        disk_space.explained(options.configuration, options.log_folder),
        lock.hold(output, options.clock),
    ):
        access.require(options, command)
        folder = run_folder.start_run(output, options.clock)
        published = PublishedRun.read(output)
        try:
            attempt.began(folder.id)
            with interrupt.interruptible(record=attempt.failed) as connections, within_memory():
                summary = steps(NewRun(options, folder, published, connections, phases))
            with phases.timed("publish"):
                run_folder.seal(folder)
                warnings = (*summary.warnings, *run_folder.swap(folder))
        except BaseException as failure:
            run_folder.discard(folder)
            with suppress(OSError, InputError):  # the next run also sweeps, and reports damage
                loading.remove_leftovers(options.log_folder, counted_folders(published))
            attempt.failed(failure)
            raise
        log.event("published", run=folder.id)
        run_folder.prune(output, options.configuration.keep_runs)
        attempt.published(phases.seconds)
    return FinishedRun(
        run_id=folder.id,
        database=output / run_folder.DATABASE,
        report=output / run_folder.REPORTS / "index.html",
        accounting=summary.accounting,
        warnings=warnings,
        seconds=time.monotonic() - started,
    )


def require_same_privacy(options: RunOptions, published: PublishedRun) -> None:
    """Raise UsageError if the published tables treat personal data differently from the options."""
    if published.manifest.get("personal_data") != options.personal_data:
        raise UsageError(
            "[privacy] database, or its key, changed since the published run",
            where=str(options.configuration.path),
            next_step="`funnel run` builds the tables again",
        )
