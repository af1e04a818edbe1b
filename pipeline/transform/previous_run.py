"""Decides whether a run can build on the published run, and copies the incremental tables from it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from pipeline import log
from pipeline.database import disk
from pipeline.database.connection import identifier
from pipeline.errors import InputError
from pipeline.publish import intact
from pipeline.publish.manifest import Manifest, PublishedRun
from pipeline.transform.project import Model, TableName

ENTRY_CODES = TableName("clean", "entry_codes")
INCREMENTAL_TABLES = (
    ENTRY_CODES,
    TableName("clean", "entry_rows"),
    TableName("clean", "entries_facts"),
    TableName("journey", "cycles_facts"),
    TableName("journey", "spans_facts"),
    TableName("journey", "arrivals_facts"),
)
"""The largest tables, in build order. The first only grows; each row of the others belongs to one lead (`lead_no`)."""


@dataclass(frozen=True)
class PreviousRun:
    """The published run to build on: its database, its loads and its as-of (aware)."""

    database: Path
    loads: frozenset[int]
    as_of: datetime


def fingerprint(models: tuple[Model, ...]) -> str:
    """Return a hash of the models up to journey and the DuckDB version. The definition of the waterfall is not part of it."""
    text = "\n".join(f"{model.table}\n{model.sql}" for model in models if model.table.schema in ("clean", "journey"))
    return hashlib.sha256(f"{duckdb.__version__}\n{text}".encode()).hexdigest()


@dataclass(frozen=True)
class LoggedLoad:
    """A load of the landing log. `loaded_at` is naive UTC.

    Its number alone does not identify it: the number of a removed load is used again.
    """

    load_no: int
    sha256: str
    loaded_at: datetime
    supersedes: tuple[int, ...] = ()

    @property
    def identity(self) -> tuple[int, str, str]:
        """Return number, checksum and load time as in the manifest of a run."""
        return self.load_no, self.sha256, self.loaded_at.replace(tzinfo=UTC).isoformat()


def reason_for_full_build(
    manifest: Manifest, models: tuple[Model, ...], loads: tuple[LoggedLoad, ...], as_of: datetime
) -> str | None:
    """Return why a run can't build on the run of `manifest`; None if it can.

    `loads` are the loads of the log in order; `as_of` is aware.
    """
    if intact.MANIFEST_KEY not in manifest:
        return "the manifest of the published run has no checksum of the database"
    if manifest.get("models_sha256") != fingerprint(models):
        return "the models or the DuckDB version changed since the published run"
    counted = [(each["load_no"], each["sha256"], each["loaded_at"]) for each in manifest["inputs"]]
    numbers = {load_no for load_no, _, _ in counted}
    if [load.identity for load in loads if load.load_no in numbers] != counted:
        return "a load of the published run is no longer in the log"
    if any(load.load_no < max(numbers, default=0) for load in loads if load.load_no not in numbers):
        return "a load was restored to the log"
    if any(load.supersedes for load in loads if load.load_no not in numbers):
        return "a file was read again with other settings"
    if as_of < datetime.fromisoformat(manifest["as_of"]):
        return "as-of is before that of the published run"
    return None


def _copy_incremental_tables(published: Path, manifest: Manifest, database: Path) -> None:
    """Copy the published file to `database`, and drop everything except the incremental tables.

    Needs a writable path that does not exist. Raises InputError if the published file is damaged.
    """
    intact.copy(published, manifest, database)
    database.chmod(0o600)
    incremental = {str(table) for table in INCREMENTAL_TABLES}
    with duckdb.connect(str(database)) as connection:
        rows = connection.execute(
            "select table_schema, table_name, table_type from information_schema.tables where table_catalog = current_database()"
        ).fetchall()
        schemas = sorted({schema for schema, _, _ in rows} - {"main", "clean", "journey"})
        for schema in schemas:
            connection.execute(f"drop schema {identifier(schema)} cascade")
        for schema, name, kind in rows:
            if schema in ("clean", "journey") and f"{schema}.{name}" not in incremental:
                what = "view" if kind == "VIEW" else "table"
                connection.execute(f"drop {what} {identifier(schema)}.{identifier(name)}")
        # A checkpoint frees the blocks of dropped tables, so the file does not grow from run to run.
        connection.execute("checkpoint")


def open_previous_run(
    published: PublishedRun,
    database: Path,
    models: tuple[Model, ...],
    loads: tuple[LoggedLoad, ...],
    as_of: datetime,
    personal_data: str | None = None,
) -> tuple[PreviousRun | None, tuple[str, ...]]:
    """Return the published run, its incremental tables copied to `database`, and warnings about damage.

    Returns None in its place if this run can't build on it, and logs the reason.
    """
    warnings: tuple[str, ...] = ()
    manifest, reason = published.readable, None
    try:
        if manifest is None:
            raise ValueError
        reason = reason_for_full_build(manifest, models, loads, as_of)
        if manifest.get("personal_data") != personal_data:
            reason = "[privacy] database, or its key, changed since the published run"
        if reason is None:
            _copy_incremental_tables(published.database, manifest, database)
            as_of = datetime.fromisoformat(manifest["as_of"])
            return PreviousRun(published.database, frozenset(manifest["loads"]), as_of), ()
    except InputError as damaged:
        warnings = (f"{damaged.where}: {damaged.what}; this run builds every table from the landing log",)
        reason = "the published database is corrupt"
    except (OSError, ValueError, KeyError, duckdb.Error) as failure:
        if disk.is_the_reason(failure):
            raise
        database.unlink(missing_ok=True)
        reason = "the published run can't be read"
    log.info(f"every table is built from the whole log: {reason}")
    return None, warnings
