"""Read the files of an input, account for every row, and write them to the landing log as loads."""

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
from pipeline.ingest.landing.load_result import LoadResult, RefusedFile
from pipeline.ingest.landing.snapshots import SnapshotComparison
from pipeline.ingest.readers import file_reader
from pipeline.ingest.readers.file_reader import ParsedFile
from pipeline.ingest.refusal import FileRefusedError, MissingColumnsError
from pipeline.ingest.rows import stage_names
from pipeline.ingest.rows.stage_names import StageNames
from pipeline.log import event
from pipeline.privacy.permissions import private_files

__all__ = ["LandingLog", "Load", "LoadResult", "RefusedFile", "load_inputs", "open_log", "remove_leftovers", "verify"]

DATE_IN_NAME = re.compile(r"(?<!\d)(20\d\d)[-_.]?([01]\d)[-_.]?([0-3]\d)(?!\d)")
"""A date in the name of a file."""


@dataclass(frozen=True)
class _Run:
    """Settings and state that all files of a run share. Times are naive UTC."""

    connection: duckdb.DuckDBPyConnection
    configuration: Configuration
    clock: datetime
    as_of: datetime
    dry_run: bool
    allow_incomplete: bool
    accept_rejects: bool
    scans: formats.ScanCache

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the waterfall."""
        return ZoneInfo(self.configuration.waterfall.timezone)


class _FileChangedError(Exception):
    """The file changed while it was read."""


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
    """Load every new file of every input. `clock` and `as_of` need a time zone.

    A file that can't be read is refused and the other files are loaded; an input without files is reported. With `dry_run`,
    everything is read and counted, but nothing is written. Raises InputError if the rows of a file do not add up.

    The new files of an input are committed together after all of them are read. None is committed if the input fails the volume
    or completeness check, or if too many rows of one file are rejected. The next run then reads and checks them again.
    `allow_incomplete` and `accept_rejects` commit them anyway.
    """
    run = _Run(
        connection,
        configuration,
        freshness.naive(clock),
        freshness.naive(as_of),
        dry_run,
        allow_incomplete,
        accept_rejects,
        scans={},
    )
    log = open_log(log_folder)
    outcome = LoadResult()
    with private_files(), _work_folder(log_folder, dry_run) as work:
        classify.create_known_stages(connection, stage_names.spellings(configuration.waterfall))
        for input_ in configuration.inputs:
            files = _run_query(run, log, input_, input_.database, work) if input_.database else find(input_)
            log_before, outcome_before = log, outcome
            if not files and not input_.is_optional:
                outcome = replace(outcome, missing=(*outcome.missing, _no_file(input_)))
            for file in archives.expand(files, work):
                log, outcome = _load_file(run, log, outcome, input_, file, work)
            log, outcome = _commit_or_discard(run, input_, log_before, outcome_before, outcome)
        classify.drop_temp_relations(connection)
    return outcome


def _commit_or_discard(
    run: _Run, input_: Input, log: LandingLog, before: LoadResult, outcome: LoadResult
) -> tuple[LandingLog, LoadResult]:
    """Commit the new loads of an input, or discard them if a check fails. `log` and `before` are without these loads."""
    new = outcome.loads[len(before.loads) :]
    incomplete = freshness.incomplete_deliveries(log.loads, new, input_, run.zone)
    rejects = tuple(problem for load in new if (problem := freshness.rejection_problem(load, input_)))
    if (incomplete and not run.allow_incomplete) or (rejects and not run.accept_rejects):
        for load in new if not run.dry_run else ():
            shutil.rmtree(log.path / load.folder)
        return log, replace(
            outcome,
            loads=before.loads,
            names=before.names,
            dropped=(*outcome.dropped, *(() if run.allow_incomplete else incomplete)),
            rejected=(*outcome.rejected, *(() if run.accept_rejects else rejects)),
        )
    outcome = replace(
        outcome,
        accepted=(*outcome.accepted, *incomplete),
        accepted_rejects=(*outcome.accepted_rejects, *(each.partition("\n")[0] for each in rejects)),
    )
    if run.dry_run:
        return log, outcome
    committed = tuple(landing_log.commit(log, load) for load in new)
    return log.with_loads(*committed), replace(outcome, loads=(*before.loads, *committed))


def _load_file(
    run: _Run, log: LandingLog, outcome: LoadResult, input_: Input, file: InputFile, work: Path
) -> tuple[LandingLog, LoadResult]:
    """Load one file. A file that is refused or still being written is recorded in the outcome."""
    try:
        return _read_and_write(run, log, outcome, input_, file, work)
    except _FileChangedError:
        warning = f"{input_.name}: {_name(file)} is still being written; it waits for the next run"
        return log, replace(outcome, warnings=(*outcome.warnings, warning))
    except FileRefusedError as refused:
        refused_file = RefusedFile(input_.name, printable(file.shown), refused.reason, refused.next_step)
        if input_.is_optional and (
            isinstance(refused, MissingColumnsError) or refused_file.file in {each.file for each in outcome.refused}
        ):
            return log, outcome
    except OSError as error:
        if error.filename is None or Path(error.filename) != file.path:
            raise
        refused_file = RefusedFile(
            input_.name, str(file.shown), f"it can't be read: {error.strerror}", "check the file's rights"
        )
    return log, replace(outcome, refused=(*outcome.refused, refused_file))


def _read_and_write(
    run: _Run, log: LandingLog, outcome: LoadResult, input_: Input, file: InputFile, work: Path
) -> tuple[LandingLog, LoadResult]:
    """Read and write one file that is not in the log yet. Raises FileRefusedError, _FileChangedError or OSError."""
    name = _name(file)
    if file.refused:
        raise FileRefusedError(file.refused, file.next_step)
    state = formats.file_state(file.source)
    file_scan = formats.scan_once(run.scans, file.path, input_, work)
    file_scan = replace(file_scan, sha256=file.sha256 or file_scan.sha256)
    _require_unchanged(file, state)
    known = known_loads.find_same_load(log, input_, name, file_scan.sha256)
    if known is not None:
        line = f"{input_.name}: {name} is known as load {known}, 0 new rows"
        event("known", line, input=input_.name, file=name, load_no=known)
        return log, replace(outcome, already_loaded=(*outcome.already_loaded, str(file.shown)))
    settings = databases.with_iso_times(with_date_of_name(input_, name), file)
    try:
        parsed_file = file_reader.read(run.connection, file_scan, settings, work)
    except Exception:
        # A file that changed since its scan can cause any error.
        _require_unchanged(file, state)
        raise
    _require_unchanged(file, state)
    # A dry run commits nothing, so earlier files of this input are not in the log.
    uncommitted = [load for load in outcome.loads if load.input == input_.name] if run.dry_run else []
    load, names = _write_load(run, log, input_, file, parsed_file, work, uncommitted)
    event("load", _summary(load), **load.counts)
    outcome = replace(
        outcome,
        loads=(*outcome.loads, load),
        names=outcome.names.with_more(names),
        warnings=(*outcome.warnings, *(f"{input_.name}: {name}: {warning}" for warning in load.warnings)),
    )
    # A dry run writes no rows, so its next file is compared with the log as it is.
    return log if run.dry_run else log.with_loads(load), outcome


def _name(file: InputFile) -> str:
    return file.name or file.path.name


def _require_unchanged(file: InputFile, state: tuple[int, int]) -> None:
    if formats.file_state(file.source) != state:
        raise _FileChangedError


def _write_load(
    run: _Run,
    log: LandingLog,
    input_: Input,
    file: InputFile,
    parsed_file: ParsedFile,
    work: Path,
    uncommitted: list[Load],
) -> tuple[Load, StageNames]:
    """Classify the rows of a parsed file, check their sum, and write them without a manifest (a dry run writes nothing).

    `uncommitted` are loads of the input that are not in `log`. Returns the load and the stage names of its rows.
    """
    superseded = known_loads.superseded_loads(log, input_, parsed_file.file_scan.sha256)
    current = [load for load in log.current(input_.name) if load.load_no not in superseded]
    contract = CONTRACTS[input_.table]
    extras = tuple(parsed_file.header.bound.extras)
    rows = classify.classify_rows(
        run.connection,
        contract,
        extras,
        earlier=current,
        log=log,
        late=_a_year_after(run.as_of),
        too_late=_a_year_after(max(run.as_of, run.clock)),
    )
    comparison = (
        snapshots.compare(run.connection, contract, current, log) if input_.mode == "snapshot" else SnapshotComparison()
    )
    earlier = (*log.current(input_.name), *uncommitted)
    warnings = (
        *databases.remarks(input_, superseded),
        *notes.remarks(run.connection, run.configuration.waterfall, earlier, input_, parsed_file, rows),
    )
    load = replace(
        _new_load(run, log, input_, file, parsed_file),
        supersedes=superseded,
        warnings=warnings,
        **rows.counts,
        **vars(comparison),
    )
    accounted = load.filtered + load.rejected_rows + load.redelivered + load.duplicates + load.landed
    if accounted != load.rows_read:
        raise _count_error(f"{load.rows_read} rows were read and {accounted} are accounted for", file)
    names = rows.names
    if input_.table == "leads" and run.configuration.waterfall.entry_at_creation:
        names = stage_names.created_stage_names(run.connection, "landing_rows where reason is null")
    if not run.dry_run:
        _write_files(run, log, input_, file, parsed_file, load, work)
    return load, names


def _write_files(
    run: _Run, log: LandingLog, input_: Input, file: InputFile, parsed_file: ParsedFile, load: Load, work: Path
) -> None:
    contract = CONTRACTS[input_.table]
    originals.keep_originals(run.connection, parsed_file, input_, work)
    folder = log.path / load.folder
    folder.mkdir(parents=True)
    landed = classify.write(run.connection, contract, tuple(load.extras), load, folder)
    if landed != load.landed:
        raise _count_error(f"{load.landed} rows were to be written and {landed} were", file)
    if load.missing:
        snapshots.write(run.connection, contract, folder)


def _new_load(run: _Run, log: LandingLog, input_: Input, file: InputFile, parsed_file: ParsedFile) -> Load:
    """Return the load of a file, without the counts of its classified rows."""
    header = parsed_file.header
    return Load(
        input=input_.name,
        table=input_.table,
        load_no=log.next_load_no,
        file_name=_name(file),
        sha256=parsed_file.file_scan.sha256,
        size=parsed_file.file_scan.size,
        loaded_at=run.clock,
        reading=known_loads.reading_settings(input_),
        header=header.names,
        columns={name: header.name_of(position) for name, position in header.bound.columns.items()},
        extras={name: header.name_of(position) for name, position in header.bound.extras.items()},
        lines=parsed_file.lines,
        blank_lines=parsed_file.blank,
        embedded_newlines=parsed_file.embedded,
        rows_read=parsed_file.rows,
        filtered=parsed_file.filtered,
        records=parsed_file.records if header.plan else None,
        header_lines=None if parsed_file.lines is None else header.skip - header.blank,
        cursor_after=file.cursor_after,
        cursor=file.cursor,
    )


def _count_error(message: str, file: InputFile) -> InputError:
    return InputError(
        message,
        where=str(file.shown),
        next_step="this is a fault of the program; nothing of this file was kept",
    )


def _run_query(run: _Run, log: LandingLog, input_: Input, database: Database, work: Path) -> tuple[InputFile, ...]:
    """Write the result of an input's query to `work`. The cursor continues only after loads with the same settings."""
    reading = known_loads.reading_settings(input_)
    earlier = [load for load in log.current(input_.name) if load.reading == reading]
    day = run.clock.replace(tzinfo=UTC).astimezone(run.zone).date()
    return databases.query_file(run.connection, input_, database, earlier, day, work)


def with_date_of_name(input_: Input, name: str) -> Input:
    """Return the input with the date in the file's name as the time of every row, if the format is dated by file name."""
    if input_.reshaping is None or not input_.reshaping.dated_by_name or "entered_at" in input_.columns:
        return input_
    match = DATE_IN_NAME.search(name)
    if match is None:
        return input_
    date = "-".join(match.groups())
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


def _a_year_after(moment: datetime) -> datetime:
    """Return the moment plus one year; like DuckDB, 28 February for 29 February."""
    try:
        return moment.replace(year=moment.year + 1)
    except ValueError:
        return moment.replace(year=moment.year + 1, day=28)


@contextmanager
def _work_folder(log_folder: Path, dry_run: bool) -> Iterator[Path]:
    """Yield a temporary folder for copies, on the disk of the log unless this is a dry run."""
    if not dry_run:
        log_folder.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=landing_log.WORK_PREFIX, dir=None if dry_run else log_folder))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
