"""The record of a run: manifest.json beside its database, and what changed since the manifest before."""

from __future__ import annotations

import hashlib
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
from pipeline.config.configuration import Configuration
from pipeline.errors import FunnelError, InputError
from pipeline.ingest.landing import loading
from pipeline.publish import manifest
from pipeline.settings import Settings
from pipeline.transform import checks, previous_run
from pipeline.transform.build import Built
from pipeline.transform.project import Model


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
    loads: tuple[loading.Load, ...]
    landing: loading.Landing
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


def fingerprint(configuration: Configuration) -> str:
    """SHA-256 of the configuration's file."""
    with suppress(OSError):
        return hashlib.sha256(configuration.path.read_bytes()).hexdigest()
    raise FunnelError("the configuration can't be read again", where=str(configuration.path), next_step="start again")


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
        held = manifest.read(published) if published else None
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
