"""Whether a night can go on from the published one, and what it takes over from that."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from pipeline.database import disk
from pipeline.database.connection import identifier
from pipeline.errors import InputError
from pipeline.publish import intact
from pipeline.publish.run_folder import MANIFEST
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
class Before:
    """The published night to go on from: its database, the loads that it knew, and its as-of (aware)."""

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


def why_not(
    manifest: dict[str, Any], models: tuple[Model, ...], loads: tuple[Landed, ...], as_of: datetime
) -> str | None:
    """Why a night can't go on from the one of `manifest`, or None when it can.

    `loads` are those of the log in their order; `as_of` is aware.
    """
    if intact.KEY not in manifest:
        return "the published run took no checksum of its database"
    if manifest.get("models_sha256") != fingerprint(models):
        return "the models or DuckDB are others than in the published night"
    counted = [(each["load_no"], each["sha256"], each["loaded_at"]) for each in manifest["inputs"]]
    numbers = {load_no for load_no, _, _ in counted}
    if [load.identity for load in loads if load.load_no in numbers] != counted:
        return "a load of the published night is no longer in the log"
    if any(load.load_no < max(numbers, default=0) for load in loads if load.load_no not in numbers):
        return "a load was put back into the log"
    if any(load.supersedes for load in loads if load.load_no not in numbers):
        return "a file was read again with other settings"
    if as_of < datetime.fromisoformat(manifest["as_of"]):
        return "as-of lies before that of the published night"
    return None


def take_over(published: Path, manifest: dict[str, Any], database: Path) -> None:
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
        # What was dropped gives its blocks back, so the file does not grow from night to night.
        connection.execute("checkpoint")


def night_before(
    published: Path | None,
    database: Path,
    models: tuple[Model, ...],
    loads: tuple[Landed, ...],
    as_of: datetime,
    say: Callable[[str], None],
    personal_data: str | None = None,
    warn: Callable[[str], None] = lambda _: None,
) -> Before | None:
    """The published run, its kept tables taken over into `database`, when this run can go on from it; else why not is said.

    `warn` hears of a published file that is damaged.
    """
    if published is None:
        return None
    try:
        manifest = json.loads((published.parent / MANIFEST).read_text("utf-8"))
        reason = why_not(manifest, models, loads, as_of)
        if manifest.get("personal_data") != personal_data:
            reason = "[privacy] database, or its key, is another than in the published night"
        if reason is None:
            take_over(published, manifest, database)
            return Before(published, frozenset(manifest["loads"]), datetime.fromisoformat(manifest["as_of"]))
    except (OSError, ValueError, KeyError, duckdb.Error) as failure:
        if disk.is_the_reason(failure):
            raise
        database.unlink(missing_ok=True)
        reason = "the published run can't be read"
    except InputError as damaged:
        warn(f"{damaged.where}: {damaged.what}; this run builds everything from the landing log")
        reason = "the published database is corrupt"
    say(f"everything is built anew: {reason}")
    return None
