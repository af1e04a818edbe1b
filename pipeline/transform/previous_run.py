"""Whether a run can build on the published run, and which tables it takes from it."""

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
from pipeline.publish.manifest import Manifest, Published
from pipeline.transform.project import Model, TableName

CODES = TableName("clean", "entry_codes")
KEPT = (
    CODES,
    TableName("clean", "entry_rows"),
    TableName("clean", "entries_narrow"),
    TableName("journey", "cycles_narrow"),
    TableName("journey", "spans_narrow"),
    TableName("journey", "arrivals_narrow"),
    TableName("journey", "unit_pairs"),
)
"""In building order. All but the first hold rows of one lead, by lead_no; the first only ever grows."""


@dataclass(frozen=True)
class PreviousRun:
    """The published run to build on: its database, the loads that it knew, and its as-of (aware)."""

    database: Path
    loads: frozenset[int]
    as_of: datetime


def fingerprint(models: tuple[Model, ...]) -> str:
    """A hash of everything that shapes the kept tables but the definition: the models up to journey, and DuckDB itself."""
    text = "\n".join(f"{model.table}\n{model.sql}" for model in models if model.table.schema in ("clean", "journey"))
    return hashlib.sha256(f"{duckdb.__version__}\n{text}".encode()).hexdigest()


@dataclass(frozen=True)
class Landed:
    """A load of the log, as far as it matters here. Its number alone does not tell it: that of a load which was moved away is
    free again. `loaded_at` is naive UTC.
    """

    load_no: int
    sha256: str
    loaded_at: datetime
    supersedes: tuple[int, ...] = ()

    @property
    def identity(self) -> tuple[int, str, str]:
        """As the manifest of a night has it."""
        return self.load_no, self.sha256, self.loaded_at.replace(tzinfo=UTC).isoformat()


def why_not(manifest: Manifest, models: tuple[Model, ...], loads: tuple[Landed, ...], as_of: datetime) -> str | None:
    """Why a run can't build on the run of `manifest`, or None when it can.

    `loads` are those of the log in their order; `as_of` is aware.
    """
    if intact.KEY not in manifest:
        return "the published run took no checksum of its database"
    if manifest.get("models_sha256") != fingerprint(models):
        return "the models or DuckDB are others than in the published run"
    counted = [(each["load_no"], each["sha256"], each["loaded_at"]) for each in manifest["inputs"]]
    numbers = {load_no for load_no, _, _ in counted}
    if [load.identity for load in loads if load.load_no in numbers] != counted:
        return "a load of the published run is no longer in the log"
    if any(load.load_no < max(numbers, default=0) for load in loads if load.load_no not in numbers):
        return "a load was put back into the log"
    if any(load.supersedes for load in loads if load.load_no not in numbers):
        return "a file was read again with other settings"
    if as_of < datetime.fromisoformat(manifest["as_of"]):
        return "as-of is before that of the published run"
    return None


def _copy_kept_tables(published: Path, manifest: Manifest, database: Path) -> None:
    """Make `database` a copy of the published file without anything but the kept tables. Takes a writable path that is free.

    InputError when the published file is damaged.
    """
    intact.copy(published, manifest, database)
    database.chmod(0o600)
    kept = {str(table) for table in KEPT}
    with duckdb.connect(str(database)) as connection:
        rows = connection.execute(
            "select table_schema, table_name, table_type from information_schema.tables where table_catalog = current_database()"
        ).fetchall()
        schemas = sorted({schema for schema, _, _ in rows} - {"main", "clean", "journey"})
        for schema in schemas:
            connection.execute(f"drop schema {identifier(schema)} cascade")
        for schema, name, kind in rows:
            if schema in ("clean", "journey") and f"{schema}.{name}" not in kept:
                what = "view" if kind == "VIEW" else "table"
                connection.execute(f"drop {what} {identifier(schema)}.{identifier(name)}")
        # Dropped tables return their blocks, so the file does not grow from run to run.
        connection.execute("checkpoint")


def take_over(
    published: Published,
    database: Path,
    models: tuple[Model, ...],
    loads: tuple[Landed, ...],
    as_of: datetime,
    personal_data: str | None = None,
) -> tuple[PreviousRun | None, tuple[str, ...]]:
    """The published run with its incremental tables copied into `database`, or None, and warnings about damage.

    None when this run can't build on it. The log says why.
    """
    warnings: tuple[str, ...] = ()
    manifest, reason = published.readable, None
    try:
        if manifest is None:
            raise ValueError
        reason = why_not(manifest, models, loads, as_of)
        if manifest.get("personal_data") != personal_data:
            reason = "[privacy] database, or its key, is another than in the published run"
        if reason is None:
            _copy_kept_tables(published.database, manifest, database)
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
