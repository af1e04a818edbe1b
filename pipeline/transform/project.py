"""Reads the folder sql/: one model per .sql file, one check per .check.sql file, and the tables that each of them reads.

The first folder is the schema and the file name is the table. Folders between them only group files by subject.
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
"""In order: a model reads tables of its own or of an earlier layer."""

LAYERS_THAT_READ_THEMSELVES = frozenset({"waterfall", "clean", "journey", "marts", "quality", "report"})


@dataclass(frozen=True, order=True)
class TableName:
    """`schema.name`."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class Model:
    """One SELECT that is built as a table or view."""

    table: TableName
    path: Path
    sql: str
    header: Header
    reads: tuple[TableName, ...]


@dataclass(frozen=True)
class Check:
    """One query that returns no rows if its claim holds."""

    name: str
    path: Path
    sql: str
    header: CheckHeader
    reads: tuple[TableName, ...]


@dataclass(frozen=True)
class Project:
    """All models and checks of a folder, sorted by name."""

    models: tuple[Model, ...]
    checks: tuple[Check, ...]


RECURRING = "recurring"
"""DuckDB's schema for the rows that a recursive CTE has found so far. It is not a table."""


def discover(folder: Path) -> Project:
    """Read every model below `folder`. Raises ModelError for SQL that does not parse or that reads a later layer."""
    paths = [
        (schema, path) for schema in LAYERS[1:] for path in sorted((folder / schema).rglob("*.sql"), key=_file_name)
    ]
    _require_unique_names(paths)
    files = [(path, path.read_text(encoding="utf-8")) for _, path in paths]
    models, checks = [], []
    for (schema, path), (_, sql), reads in zip(paths, files, tables_read(files), strict=True):
        if path.name.endswith(".check.sql"):
            name = f"{schema}.{path.name.removesuffix('.check.sql')}"
            checks.append(Check(name, path, sql, read_check_header(sql, path), reads))
        else:
            model = Model(TableName(schema, path.stem), path, sql, read_header(sql, path), reads)
            _require_earlier_layers(model)
            models.append(model)
    return Project(tuple(models), tuple(checks))


def _file_name(path: Path) -> str:
    return path.name


def _require_unique_names(paths: Sequence[tuple[str, Path]]) -> None:
    """Raise ModelError if two files of a schema have the same name, since they would build the same table."""
    first: dict[tuple[str, str], Path] = {}
    for schema, path in paths:
        other = first.setdefault((schema, path.name), path)
        if other != path:
            raise ModelError(
                f"{schema}.{path.name.partition('.')[0]} has two files",
                where=str(path),
                next_step=f"rename or delete one; the other is {other}",
            )


def tables_read(files: Sequence[tuple[Path, str]]) -> tuple[tuple[TableName, ...], ...]:
    """Return the `schema.table` names that each file reads, by DuckDB's parser. CTEs have no schema and are left out.

    Raises ModelError for a file that is not exactly one SELECT.
    """
    if not files:
        return ()
    with duckdb.connect(
        ":memory:", config={"threads": 1, "autoinstall_known_extensions": False, "autoload_known_extensions": False}
    ) as parser:
        # One query for all files: DuckDB plans each query, and runs this function once more while it plans.
        texts = ", ".join(f"({quoted(sql)})" for _, sql in files)
        trees = parser.execute(
            "select json_serialize_sql(sql, skip_null := true, skip_empty := true) "
            f"from (values {texts}) as files (sql)"
        ).fetchall()
    return tuple(_tables_in(tree, path) for (path, _), (tree,) in zip(files, trees, strict=True))


def _tables_in(text: str, path: Path) -> tuple[TableName, ...]:
    tables: set[TableName] = set()

    def collect(node: dict[str, Any]) -> dict[str, Any]:
        if node.get("type") == "BASE_TABLE" and node.get("schema_name") not in (None, "", RECURRING):
            tables.add(TableName(node["schema_name"], node["table_name"]))
        return node

    tree: dict[str, Any] = json.loads(text, object_hook=collect)
    if tree["error"]:
        raise ModelError(
            f"this is not one plain SELECT: {tree.get('error_message', '')}",
            where=str(path),
            next_step="paste the file into `duckdb` and correct it",
        )
    statements = tree.get("statements", ())
    if len(statements) != 1:
        raise ModelError(
            f"a file must have exactly one SELECT, this one has {len(statements)}",
            where=str(path),
            next_step="split the file, or write the SELECT",
        )
    return tuple(sorted(tables))


def _require_earlier_layers(model: Model) -> None:
    own = LAYERS.index(model.table.schema)
    for table in model.reads:
        if table.schema not in LAYERS:
            raise ModelError(
                f"{model.table} reads {table}, whose schema is not a layer",
                where=str(model.path),
                next_step=f"layers: {', '.join(LAYERS)}",
            )
        other = LAYERS.index(table.schema)
        if other > own or (other == own and table.schema not in LAYERS_THAT_READ_THEMSELVES):
            raise ModelError(
                f"{model.table} reads {table}, a later layer",
                where=str(model.path),
                next_step="move what it needs into an earlier layer",
            )
