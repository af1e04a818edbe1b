"""What a night leaves behind about itself: manifest.json beside its database."""

from __future__ import annotations

import hashlib
import json
import platform
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from pipeline.errors import FunnelError, InputError
from pipeline.inputs import landing
from pipeline.models import checks, increment, publish
from pipeline.models.build import Built
from pipeline.models.discover import Model
from pipeline.waterfall.definition import Configuration

ACCOUNT = ("rows_read", "rejected", "redelivered", "after_as_of", "out_of_scope", "duplicates", "repeats", "kept")


@dataclass(frozen=True)
class Told:
    """What was asked of a night, and what it found in the log: `loads` all of them, `new` those of tonight."""

    configuration: Configuration
    clock: datetime
    as_of: datetime
    run_id: str
    models: tuple[Model, ...]
    loads: tuple[landing.Load, ...]
    new: tuple[landing.Load, ...]


def of_night(
    told: Told,
    built: tuple[Built, ...],
    outcomes: tuple[checks.Outcome, ...],
    accounting: tuple[dict[str, Any], ...],
    warnings: list[str],
    notes: list[str],
) -> dict[str, Any]:
    """The manifest of a night that was built and checked."""
    new = {load.load_no for load in told.new}
    return {
        "run": told.run_id,
        "started_at": told.clock.isoformat(),
        "as_of": told.as_of.astimezone(UTC).isoformat(),
        "timezone": told.configuration.waterfall.timezone,
        "configuration": told.configuration.path.name,
        "configuration_sha256": fingerprint(told.configuration),
        "models_sha256": increment.fingerprint(told.models),
        "versions": {
            "funnel": version("funnel-pipeline"),
            "duckdb": duckdb.__version__,
            "python": platform.python_version(),
        },
        "loads": [load.load_no for load in told.loads],
        "inputs": [
            {
                "input": load.input,
                "load_no": load.load_no,
                "file": load.file_name,
                "sha256": load.sha256,
                "timezone": load.reading.get("timezone"),
                "rows_read": load.rows_read,
                "missing_keys": load.missing,
                "is_new": load.load_no in new,
            }
            for load in told.loads
        ],
        "row_accounting": list(accounting),
        "models": [{"model": each.table, "rows": each.rows, "seconds": round(each.seconds, 3)} for each in built],
        "checks": [asdict(each) for each in outcomes],
        "warnings": warnings,
        "notes": notes,
    }


def read(database: Path) -> dict[str, Any]:
    """The manifest beside a published database."""
    held: dict[str, Any] = json.loads((database.parent / publish.MANIFEST).read_text("utf-8"))
    return held


def write(folder: publish.RunFolder, manifest: dict[str, Any]) -> None:
    """Write the manifest of a run into its folder."""
    folder.manifest.write_text(json.dumps(manifest, indent=2, ensure_ascii=False, default=str) + "\n", "utf-8")


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
        before = read(published) if published else None
        told = (
            (datetime.fromisoformat(before["as_of"]), datetime.fromisoformat(before["started_at"])) if before else None
        )
    except (OSError, ValueError, KeyError, TypeError):
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
