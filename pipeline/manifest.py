"""What a night leaves behind about itself: manifest.json beside its database."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from pipeline import log
from pipeline.errors import FunnelError, InputError
from pipeline.ingest.landing import landing
from pipeline.ingest.landing.ledger import folder_of
from pipeline.publish import run_folder
from pipeline.settings import Settings
from pipeline.transform import checks, previous_run
from pipeline.transform.build import Built
from pipeline.transform.project import Model
from pipeline.waterfall.definition import Configuration

ACCOUNT = (
    "rows_read",
    "filtered",
    "rejected",
    "redelivered",
    "after_as_of",
    "out_of_scope",
    "duplicates",
    "repeats",
    "kept",
)


@dataclass(frozen=True)
class Told:
    """What was asked of a night, and what it found in the log: `loads` all of them, `landing` what tonight brought.

    `seconds` by phase, of those that are over.
    """

    configuration: Configuration
    clock: datetime
    as_of: datetime
    run_id: str
    models: tuple[Model, ...]
    loads: tuple[landing.Load, ...]
    landing: landing.Landing
    settings: Settings
    seconds: dict[str, float]


def of_night(
    told: Told,
    built: tuple[Built, ...],
    outcomes: tuple[checks.Outcome, ...],
    accounting: tuple[dict[str, Any], ...],
    files: tuple[dict[str, Any], ...],
    warnings: list[str],
    notes: list[str],
) -> dict[str, Any]:
    """The manifest of a night that was built and checked; docs/watching.md says what each key holds."""
    new = {load.load_no for load in told.landing.loads}
    return {
        "run": told.run_id,
        "started_at": told.clock.isoformat(),
        "as_of": told.as_of.astimezone(UTC).isoformat(),
        "timezone": told.configuration.waterfall.timezone,
        "configuration": told.configuration.path.name,
        "configuration_path": _from_output(told.configuration),
        "configuration_sha256": fingerprint(told.configuration),
        "models_sha256": previous_run.fingerprint(told.models),
        "versions": {
            "funnel": version("funnel-pipeline"),
            "duckdb": duckdb.__version__,
            "python": platform.python_version(),
        },
        "settings": {"threads": told.settings.threads, "memory": told.settings.memory_limit},
        "seconds": told.seconds,
        "loads": [load.load_no for load in told.loads],
        "inputs": [
            {
                **account,
                "sha256": load.sha256,
                "timezone": load.reading.get("timezone"),
                "loaded_at": load.loaded_at.replace(tzinfo=UTC).isoformat(),
                "missing_keys": load.missing,
                "is_new": load.load_no in new,
            }
            for load, account in zip(told.loads, files, strict=True)
        ],
        "row_accounting": list(accounting),
        "refused": [asdict(each) for each in told.landing.refused],
        "missing": [asdict(each) for each in told.landing.missing],
        "models": [{"model": each.table, "rows": each.rows, "seconds": round(each.seconds, 3)} for each in built],
        # Without the ids that a check may show to a person.
        "checks": [
            {"name": each.name, "claim": each.claim, "severity": each.severity, "broken": each.broken}
            for each in outcomes
        ],
        "warnings": warnings,
        "notes": notes,
        "log_lost": log.loss.as_json(),
    }


def _from_output(configuration: Configuration) -> str:
    """The configuration's path from the output folder, so that both may move together."""
    there = configuration.path.parent.resolve() / configuration.path.name
    return os.path.relpath(there, configuration.output.resolve())


def read(database: Path) -> dict[str, Any]:
    """The manifest beside a published database."""
    path = database.parent / run_folder.MANIFEST
    try:
        held: dict[str, Any] = json.loads(path.read_text("utf-8"))
        _ = held["run"], held["inputs"]
    except (OSError, ValueError, KeyError, TypeError) as failure:
        raise InputError(
            "the manifest of the published night can't be read",
            where=str(path),
            next_step="restore it from a backup, or make everything anew from the landing log with `funnel run --from-log`",
        ) from failure
    return held


def write(folder: run_folder.RunFolder, manifest: dict[str, Any]) -> None:
    """Write the manifest of a run into its folder."""
    folder.manifest.write_text(json.dumps(manifest, indent=2, ensure_ascii=False, default=str) + "\n", "utf-8")


@dataclass(frozen=True)
class Counted:
    """A file that the published night counted."""

    input: str
    file: str
    load_no: int
    sha256: str

    @property
    def folder(self) -> str:
        """Where its load lay in the log."""
        return folder_of(self.input, self.load_no, self.sha256)


def counted(published: Path | None) -> tuple[Counted, ...]:
    """The files of the published night; none where its manifest can't be read."""
    try:
        inputs = read(published)["inputs"] if published else []
        return tuple(Counted(each["input"], each["file"], each["load_no"], each["sha256"]) for each in inputs)
    except (InputError, KeyError, TypeError):
        return ()


def require_kept(published: tuple[Counted, ...], loads: tuple[landing.Load, ...], *, accept: bool) -> tuple[str, ...]:
    """InputError when the log no longer has a file that the published night counted, unless `accept`: then it is only said.

    A file that was read anew after its load was moved away is there, and so is one that somebody forgot (`funnel forget`).
    """
    there = {(load.input, load.sha256) for load in loads}
    gone = tuple(
        f"{each.input}: {each.file}, load {each.load_no} of the published night, is no longer in the landing log"
        for each in published
        if (each.input, each.sha256) not in there
    )
    if gone and not accept:
        raise InputError(
            "\n".join(gone),
            next_step="nothing was published; restore landing/ from a backup, or put the file among the inputs again; "
            "`funnel run --allow-incomplete` goes on without its rows",
        )
    return gone


@dataclass(frozen=True)
class TurnedBack:
    """What is said when time went back since the published night: `notes` also by the report, `warnings` only by the run."""

    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def turned_back(published: Path | None, as_of: datetime, clock: datetime, *, is_pinned: bool) -> TurnedBack:
    """Compare as-of and clock with those of the published night. A night that can't be read is not compared.

    An as-of that was asked for makes the report that it always made, to the byte: then only the run says so.
    """
    try:
        held = read(published) if published else None
        told = (datetime.fromisoformat(held["as_of"]), datetime.fromisoformat(held["started_at"])) if held else None
    except (InputError, OSError, ValueError, KeyError, TypeError):
        return TurnedBack()
    if told is None:
        return TurnedBack()
    last_as_of, last_clock = told
    said = []
    if clock < last_clock:
        said.append(
            f"the clock of this machine went back: the run started at {_moment(clock)}, and the published night at "
            f"{_moment(last_clock)}; set the clock"
        )
    if as_of < last_as_of:
        why = "as it was asked for" if is_pinned else "the start of the run; give --as-of, or set the clock"
        said.append(f"as-of {_moment(as_of)} is before {_moment(last_as_of)}, that of the published night: {why}")
    return TurnedBack(warnings=tuple(said)) if is_pinned else TurnedBack(notes=tuple(said))


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def fingerprint(configuration: Configuration) -> str:
    """SHA-256 of the configuration's file."""
    with suppress(OSError):
        return hashlib.sha256(configuration.path.read_bytes()).hexdigest()
    raise FunnelError("the configuration can't be read again", where=str(configuration.path), next_step="start again")


def accounting(reader: duckdb.DuckDBPyConnection) -> tuple[dict[str, Any], ...]:
    """What became of every row, per input. InputError when the sum does not hold: that would be a fault of ours."""
    columns = ", ".join(("input", *ACCOUNT))
    rows = reader.execute(f"select {columns} from quality.row_accounting").fetchall()
    accounts = tuple(dict(zip(("input", *ACCOUNT), row, strict=True)) for row in rows)
    for account in accounts:
        if account["rows_read"] != sum(account[name] for name in ACCOUNT[1:]):
            raise InputError(
                f"{account['rows_read']} rows were read and {sum(account[name] for name in ACCOUNT[1:])} accounted for",
                where=account["input"],
                next_step="nothing was published; this is a fault of the program, please report it",
            )
    return accounts


def require_sums(loads: tuple[landing.Load, ...]) -> None:
    """InputError when the lines or rows of a file do not add up, before anything is built of them.

    lines = header_lines + blank_lines + embedded_newlines + records, of files that have lines; rows_read = filtered +
    rejected + redelivered + duplicates + landed. A record is a row, unless the input makes rows of records. Landing
    asserts both for a file that it reads; here for the whole log.
    """
    for load in loads:
        if load.lines is not None and load.header_lines is not None:
            records = load.rows_read if load.records is None else load.records
            lines = load.header_lines + load.blank_lines + load.embedded_newlines + records
            _holds(load, "lines", load.lines, lines)
        rows = load.filtered + load.rejected_rows + load.redelivered + load.duplicates + load.landed
        _holds(load, "rows", load.rows_read, rows)


def files(reader: duckdb.DuckDBPyConnection, loads: tuple[landing.Load, ...]) -> tuple[dict[str, Any], ...]:
    """The account of each file of the log, and of stage history what the night made of the rows that landed.

    These are `entries`, rows by disposition; null for other tables and for files that do not count. InputError when they
    are not as many as landed: a fault of ours.
    """
    made: dict[int, dict[str, int]] = {}
    for load_no, disposition, rows in reader.execute(
        "select load_no, disposition, count(*) from clean.entry_rows group by all order by all"
    ).fetchall():
        made.setdefault(load_no, {})[disposition] = rows
    counted = {row[0] for row in reader.execute("select load_no from clean.loads").fetchall()}
    accounts = []
    for load in loads:
        is_history = load.table == "stage_entries" and load.load_no in counted
        entries = made.get(load.load_no, {}) if is_history else None
        if entries is not None:
            _holds(load, "rows of history", load.landed, sum(entries.values()))
        accounts.append(load.account | {"entries": entries})
    return tuple(accounts)


def _holds(load: landing.Load, what: str, there: int, accounted: int) -> None:
    if there != accounted:
        raise InputError(
            f"{there} {what} do not add up: {accounted} are accounted for",
            where=f"{load.input}: {load.file_name} (load {load.load_no})",
            next_step="nothing was published; if landing/ was not changed by hand, this is a fault of the program, "
            "please report it",
        )
