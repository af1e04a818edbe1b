"""Files of an input become loads of the landing log: read, accounted for to the last row, and written once."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from pipeline.config.configuration import Configuration, Database, Input
from pipeline.config.input_tables import CONTRACTS
from pipeline.errors import InputError
from pipeline.ingest.files import archives, formats
from pipeline.ingest.files.find import InputFile, find, printable
from pipeline.ingest.landing import (
    classify,
    databases,
    freshness,
    known_loads,
    landing_log,
    notes,
    originals,
    snapshots,
)
from pipeline.ingest.landing.landing_log import LandingLog, Load, open_log, remove_leftovers, verify
from pipeline.ingest.readers import file_reader
from pipeline.ingest.readers.file_reader import ParsedFile
from pipeline.ingest.refusal import FileRefusedError, MissingColumnsError
from pipeline.ingest.rows import stage_names
from pipeline.ingest.rows.stage_names import NO_NAMES, StageNames
from pipeline.log import event
from pipeline.privacy.permissions import private_files

__all__ = ["LandingLog", "Load", "LoadResult", "RefusedFile", "load_inputs", "open_log", "remove_leftovers", "verify"]

DATE_IN_NAME = re.compile(r"(?<!\d)(20\d\d)[-_.]?([01]\d)[-_.]?([0-3]\d)(?!\d)")
"""A date in the name of a file."""


@dataclass(frozen=True)
class RefusedFile:
    """A file that could not be read: nothing of it is in the log."""

    input: str
    file: str
    reason: str
    next_step: str

    def __str__(self) -> str:
        return f"{self.input}: {self.file}: {self.reason}\n  next: {self.next_step}"


@dataclass(frozen=True)
class LoadResult:
    """What one run found: new `loads`, files that the log knows already, refused files, inputs without any file.

    `dropped` are deliveries that lack too much, and `rejected` those of which too many rows are rejected: nothing was kept of
    the files of their inputs. `accepted` and `accepted_rejects` were kept all the same. `names` are the stage names of the new
    loads.
    """

    loads: tuple[Load, ...] = ()
    already_loaded: tuple[str, ...] = ()
    refused: tuple[RefusedFile, ...] = ()
    missing: tuple[RefusedFile, ...] = ()
    warnings: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    accepted_rejects: tuple[str, ...] = ()
    names: StageNames = NO_NAMES


@dataclass(frozen=True)
class _Run:
    """What all files of a run have in common. Times are naive UTC."""

    connection: duckdb.DuckDBPyConnection
    configuration: Configuration
    clock: datetime
    as_of: datetime
    dry_run: bool
    allow_incomplete: bool
    accept_rejects: bool
    scans: formats.ScanCache


def load_inputs(
    connection: duckdb.DuckDBPyConnection,
    configuration: Configuration,
    log_folder: Path,
    *,
    clock: datetime,
    as_of: datetime,
    dry_run: bool = False,
    allow_incomplete: bool = False,
    accept_rejects: bool = False,
) -> LoadResult:
    """Read every file of every input that the log does not know yet. `clock` and `as_of` are aware.

    A file that can't be read is refused and the others go on; so is an input without files. With `dry_run` everything
    is read and accounted for and nothing is written. Raises InputError when the rows of a file do not add up.

    The new files of an input become real together, once all of them are read: where the guards find that they lack too much,
    or that too many rows of one are rejected, none does, and the next run reads and judges them again, by the settings of
    then. `allow_incomplete` and `accept_rejects` take them all the same.
    """
    run = _Run(
        connection,
        configuration,
        _naive(clock),
        _naive(as_of),
        dry_run,
        allow_incomplete,
        accept_rejects,
        formats.ScanCache(),
    )
    log = open_log(log_folder)
    outcome = LoadResult()
    with private_files(), _work_folder(log_folder, dry_run) as work:
        classify.create_known_stages(connection, stage_names.spellings(configuration.waterfall))
        for input_ in configuration.inputs:
            found = _run_query(run, log, input_, input_.database, work) if input_.database else find(input_)
            before, old = log, outcome
            if not found and not input_.is_optional:
                outcome = replace(outcome, missing=(*outcome.missing, _no_file(input_)))
            for file in archives.expand(found, work):
                log, outcome = _load_file(run, log, outcome, input_, file, work)
            log, outcome = _accept_or_discard(run, input_, before, old, outcome)
        classify.drop_temp_relations(connection)
        snapshots.drop_temp_tables(connection)
    return outcome


def _accept_or_discard(
    run: _Run, input_: Input, before: LandingLog, old: LoadResult, outcome: LoadResult
) -> tuple[LandingLog, LoadResult]:
    """The log and outcome with the new loads of an input committed, or, where they may not count, as they were `before`."""
    new = outcome.loads[len(old.loads) :]
    drops = freshness.incomplete_deliveries(before.loads, new, input_, ZoneInfo(run.configuration.waterfall.timezone))
    rejects = tuple(said for load in new if (said := freshness.rejection_problem(load, input_)))
    if (drops and not run.allow_incomplete) or (rejects and not run.accept_rejects):
        for load in new if not run.dry_run else ():
            shutil.rmtree(before.path / load.folder)
        return before, replace(
            outcome,
            loads=old.loads,
            names=old.names,
            dropped=(*outcome.dropped, *(() if run.allow_incomplete else drops)),
            rejected=(*outcome.rejected, *(() if run.accept_rejects else rejects)),
        )
    outcome = replace(
        outcome,
        accepted=(*outcome.accepted, *drops),
        accepted_rejects=(*outcome.accepted_rejects, *(each.partition("\n")[0] for each in rejects)),
    )
    if run.dry_run:
        return before, outcome
    log = before
    for load in new:
        log = log.with_load(landing_log.commit(before, load))
    return log, replace(outcome, loads=(*old.loads, *log.loads[len(before.loads) :]))


def _load_file(
    run: _Run, log: LandingLog, outcome: LoadResult, input_: Input, file: InputFile, work: Path
) -> tuple[LandingLog, LoadResult]:
    name = file.name or file.path.name
    try:
        if file.refused:
            raise FileRefusedError(file.refused, file.next_step)
        before = formats.file_state(file.source)
        found = run.scans.scan(file.path, input_, work)
        found = replace(found, sha256=file.sha256 or found.sha256)
        if formats.file_state(file.source) != before:
            return log, _still_being_written(outcome, input_, name)
        known = known_loads.find_same_load(log, input_, name, found.sha256)
        if known is not None:
            line = f"{input_.name}: {name} is known as load {known}, 0 new rows"
            event("known", line, input=input_.name, file=name, load_no=known)
            return log, replace(outcome, already_loaded=(*outcome.already_loaded, str(file.shown)))
        try:
            delivered = file_reader.read(
                run.connection, found, databases.with_iso_times(with_date_of_name(input_, name), file), work
            )
        except Exception:
            # What changed meanwhile may fit nothing that was found before: that says nothing about the file.
            if formats.file_state(file.source) != before:
                return log, _still_being_written(outcome, input_, name)
            raise
        if formats.file_state(file.source) != before:
            return log, _still_being_written(outcome, input_, name)
        # A dry run commits nothing: what it read of the input before this file is not in the log.
        beside = [load for load in outcome.loads if load.input == input_.name] if run.dry_run else []
        load, names = _write_load(run, log, input_, file, delivered, work, beside)
    except FileRefusedError as refused:
        refusal = RefusedFile(input_.name, printable(file.shown), refused.reason, refused.next_step)
        if input_.is_optional and (
            isinstance(refused, MissingColumnsError) or refusal.file in {each.file for each in outcome.refused}
        ):
            return log, outcome
        return log, replace(outcome, refused=(*outcome.refused, refusal))
    except OSError as error:
        refusal = RefusedFile(
            input_.name, str(file.shown), f"it can't be read: {error.strerror}", "check the file's rights"
        )
        if error.filename is not None and Path(error.filename) == file.path:
            return log, replace(outcome, refused=(*outcome.refused, refusal))
        raise
    event("load", _summary(load), **load.counts)
    outcome = replace(outcome, loads=(*outcome.loads, load), names=outcome.names.with_more(names))
    for warning in load.warnings:
        outcome = _with_warning(outcome, f"{input_.name}: {name}: {warning}")
    # A dry run writes no rows, so its next file is held against the log as it lies there.
    return log if run.dry_run else log.with_load(load), outcome


def _write_load(
    run: _Run, log: LandingLog, input_: Input, file: InputFile, parsed_file: ParsedFile, work: Path, beside: list[Load]
) -> tuple[Load, StageNames]:
    """Sort the rows of the file that was just read, check the sum, and write them (not in a dry run), yet without a manifest.

    `beside` are loads of the input that are not in `log`. Returns the load and the stage names of its rows.
    """
    earlier = known_loads.superseded_loads(log, input_, parsed_file.file_scan.sha256)
    current = [load for load in log.current(input_.name) if load.load_no not in earlier]
    contract = CONTRACTS[input_.table]
    bound = parsed_file.header.bound
    sorted_rows = classify.classify_rows(
        run.connection,
        contract,
        tuple(bound.extras),
        earlier=current,
        log=log,
        late=_a_year_after(run.as_of),
        too_late=_a_year_after(max(run.as_of, run.clock)),
    )
    compared = snapshots.compare(run.connection, contract, current, log) if input_.mode == "snapshot" else None
    load = Load(
        input=input_.name,
        table=input_.table,
        load_no=log.next_load_no,
        file_name=file.name or file.path.name,
        sha256=parsed_file.file_scan.sha256,
        size=parsed_file.file_scan.size,
        loaded_at=run.clock,
        reading=known_loads.reading_settings(input_),
        header=parsed_file.header.names,
        columns={name: parsed_file.header.name_of(position) for name, position in bound.columns.items()},
        extras={name: parsed_file.header.name_of(position) for name, position in bound.extras.items()},
        lines=parsed_file.lines,
        blank_lines=parsed_file.blank,
        embedded_newlines=parsed_file.embedded,
        rows_read=parsed_file.rows,
        filtered=parsed_file.filtered,
        records=parsed_file.records if parsed_file.header.plan else None,
        rejected=sorted_rows.rejected,
        redelivered=sorted_rows.redelivered,
        duplicates=sorted_rows.duplicates,
        landed=sorted_rows.landed,
        gaps=sorted_rows.gaps,
        overlaps=sorted_rows.overlaps,
        rejected_later=sorted_rows.rejected_later,
        supersedes=earlier,
        warnings=(
            *databases.remarks(input_, earlier),
            *notes.remarks(
                run.connection,
                run.configuration.waterfall,
                (*log.current(input_.name), *beside),
                input_,
                parsed_file,
                sorted_rows,
            ),
        ),
        header_lines=None if parsed_file.lines is None else parsed_file.header.skip - parsed_file.header.blank,
        missing=compared.missing if compared else None,
        lost=compared.lost if compared else 0,
        lost_of=compared.lost_of if compared else 0,
        time_formats=sorted_rows.time_formats,
        cursor_after=file.cursor_after,
        cursor=file.cursor,
    )
    accounted = load.filtered + load.rejected_rows + load.redelivered + load.duplicates + load.landed
    if accounted != load.rows_read:
        raise InputError(
            f"{load.rows_read} rows were read and {accounted} are accounted for",
            where=str(file.shown),
            next_step="this is a fault of the program; nothing of this file was kept",
        )
    names = sorted_rows.names
    if input_.table == "leads" and run.configuration.waterfall.entry_at_creation:
        names = stage_names.created_stage_names(run.connection, "landing_rows where reason is null")
    if run.dry_run:
        return load, names
    originals.keep_originals(run.connection, parsed_file, input_, work)
    folder = log.path / load.folder
    folder.mkdir(parents=True)
    landed = classify.write(run.connection, contract, tuple(bound.extras), load, folder)
    if landed != load.landed:
        raise InputError(
            f"{load.landed} rows were to be written and {landed} were",
            where=str(file.shown),
            next_step="this is a fault of the program; nothing of this file was kept",
        )
    if load.missing:
        snapshots.write(run.connection, contract, folder)
    return load, names


def _run_query(run: _Run, log: LandingLog, input_: Input, database: Database, work: Path) -> tuple[InputFile, ...]:
    """The result of the query of an input as a file in `work`; what was read by other settings says nothing of its cursor."""
    reading = known_loads.reading_settings(input_)
    earlier = [load for load in log.current(input_.name) if load.reading == reading]
    zone = ZoneInfo(run.configuration.waterfall.timezone)
    day = run.clock.replace(tzinfo=UTC).astimezone(zone).date()
    return databases.query_file(run.connection, input_, database, earlier, day, work)


def with_date_of_name(input_: Input, name: str) -> Input:
    """The input with the date in the file's name for every row, where it asks for it and has no time column by name."""
    if input_.reshaping is None or not input_.reshaping.dated_by_name or "entered_at" in input_.columns:
        return input_
    found = DATE_IN_NAME.search(name)
    if found is None:
        return input_
    date = "-".join(found.groups())
    return replace(input_, reshaping=replace(input_.reshaping, default_time=date))


def _summary(load: Load) -> str:
    return (
        f"{load.input}: {load.file_name}: {load.rows_read} rows, {load.landed} new, {load.redelivered} redelivered, "
        f"{load.duplicates} duplicates, {load.rejected_rows} rejected"
        + (f", {load.filtered} filtered" if load.filtered else "")
    )


def _no_file(input_: Input) -> RefusedFile:
    return RefusedFile(
        input_.name,
        str(input_.pattern),
        "there is no such file",
        "put the export there, or correct `path` of this input",
    )


def _with_warning(outcome: LoadResult, warning: str) -> LoadResult:
    return replace(outcome, warnings=(*outcome.warnings, warning))


def _still_being_written(outcome: LoadResult, input_: Input, name: str) -> LoadResult:
    return _with_warning(outcome, f"{input_.name}: {name} is still being written; it waits for the next run")


def _a_year_after(moment: datetime) -> datetime:
    """As DuckDB's `+ interval 1 year` has it: a year after 29 February is 28 February."""
    try:
        return moment.replace(year=moment.year + 1)
    except ValueError:
        return moment.replace(year=moment.year + 1, day=28)


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


@contextmanager
def _work_folder(log_folder: Path, dry_run: bool) -> Iterator[Path]:
    """A folder for copies, on the disk of the log unless nothing may be written there."""
    if not dry_run:
        log_folder.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=landing_log.WORK_PREFIX, dir=None if dry_run else log_folder))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
