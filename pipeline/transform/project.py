"""The folder sql/ as values: one model per .sql file, one check per .check.sql file, and what each of them reads.

The first folder is the schema, the file is the table; the folders between them only sort files by subject.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from pipeline.database.connection import quoted
from pipeline.errors import ModelError
from pipeline.transform.header import CheckHeader, Header, read_check_header, read_header

LAYERS = ("raw", "waterfall", "clean", "journey", "marts", "quality", "report")
"""Data goes from left to right."""

READ_THEMSELVES = frozenset({"waterfall", "clean", "journey", "marts", "quality", "report"})


@dataclass(frozen=True, order=True)
class TableName:
    """`schema.name`."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class Model:
    """One SELECT that becomes one table or view."""

    table: TableName
    path: Path
    sql: str
    header: Header
    reads: tuple[TableName, ...]


@dataclass(frozen=True)
class Check:
    """One query that returns nothing when its claim holds."""

    name: str
    path: Path
    sql: str
    header: CheckHeader
    reads: tuple[TableName, ...]


@dataclass(frozen=True)
class Project:
    """All models and checks of a folder, in the order of their names."""

    models: tuple[Model, ...]
    checks: tuple[Check, ...]


RECURRING = "recurring"
"""DuckDB's schema of what a recursive CTE has found so far: no table."""


def discover(folder: Path) -> Project:
    """Read every model below `folder`. ModelError for SQL that doesn't parse or that reads a later layer."""
    places = [
        (schema, path) for schema in LAYERS[1:] for path in sorted((folder / schema).rglob("*.sql"), key=_by_name)
    ]
    _each_name_once(places)
    files = [(path, path.read_text(encoding="utf-8")) for _, path in places]
    models, checks = [], []
    for (schema, path), (_, sql), reads in zip(places, files, tables_read(files), strict=True):
        if path.name.endswith(".check.sql"):
            name = f"{schema}.{path.name.removesuffix('.check.sql')}"
            checks.append(Check(name, path, sql, read_check_header(sql, path), reads))
        else:
            model = Model(TableName(schema, path.stem), path, sql, read_header(sql, path), reads)
            _respect_layers(model)
            models.append(model)
    return Project(tuple(models), tuple(checks))


def _by_name(path: Path) -> str:
    return path.name


def _each_name_once(places: Sequence[tuple[str, Path]]) -> None:
    """Two files of one name would be one table."""
    first: dict[tuple[str, str], Path] = {}
    for schema, path in places:
        twin = first.setdefault((schema, path.name), path)
        if twin != path:
            raise ModelError(
                f"{schema}.{path.name.partition('.')[0]} has two files",
                where=str(path),
                next_step=f"rename or delete one; the other is {twin}",
            )


def tables_read(files: Sequence[tuple[Path, str]]) -> tuple[tuple[TableName, ...], ...]:
    """The `schema.table` names in the SELECT of each file, as DuckDB's own parser sees them. CTEs have no schema and drop out.

    ModelError for a file that is anything else than one SELECT.
    """
    if not files:
        return ()
    with duckdb.connect(
        ":memory:", config={"threads": 1, "autoinstall_known_extensions": False, "autoload_known_extensions": False}
    ) as parser:
        # In one query: each would be planned, and run once while it is planned.
        texts = ", ".join(f"({quoted(sql)})" for _, sql in files)
        trees = parser.execute(
            "select json_serialize_sql(sql, skip_null := true, skip_empty := true) "
            f"from (values {texts}) as files (sql)"
        ).fetchall()
    return tuple(_tables_in(tree, path) for (path, _), (tree,) in zip(files, trees, strict=True))


def _tables_in(text: str, path: Path) -> tuple[TableName, ...]:
    found: set[TableName] = set()

    def note(node: dict[str, Any]) -> dict[str, Any]:
        if node.get("type") == "BASE_TABLE" and node.get("schema_name") not in (None, "", RECURRING):
            found.add(TableName(node["schema_name"], node["table_name"]))
        return node

    tree: dict[str, Any] = json.loads(text, object_hook=note)
    if tree["error"]:
        raise ModelError(
            f"this is not one plain SELECT: {tree.get('error_message', '')}",
            where=str(path),
            next_step="paste the file into `duckdb` and correct it",
        )
    statements = tree.get("statements", ())
    if len(statements) != 1:
        raise ModelError(
            f"a file holds one SELECT, here are {len(statements)}",
            where=str(path),
            next_step="split the file, or write the SELECT",
        )
    return tuple(sorted(found))


def _respect_layers(model: Model) -> None:
    own = LAYERS.index(model.table.schema)
    for table in model.reads:
        if table.schema not in LAYERS:
            raise ModelError(
                f"{model.table} reads {table}, which is no layer",
                where=str(model.path),
                next_step=f"layers: {', '.join(LAYERS)}",
            )
        other = LAYERS.index(table.schema)
        if other > own or (other == own and table.schema not in READ_THEMSELVES):
            raise ModelError(
                f"{model.table} reads {table}, a later layer",
                where=str(model.path),
                next_step="move what it needs into an earlier layer",
            )
