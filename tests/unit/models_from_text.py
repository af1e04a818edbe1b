"""Models and projects from SQL texts, for tests of the model runner."""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipeline.transform.header import read_header
from pipeline.transform.project import Model, Project, TableName, discover


def project(folder: Path, files: dict[str, str]) -> Project:
    """A project of the `files` (path below the folder → text)."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return discover(folder)


def model(name: str, *reads: str, sql: str = "select 1 as number", header: str = "-- One row.") -> Model:
    """A model that declares `reads` as its tables, independent of its SQL."""
    schema, table = name.split(".")
    text = f"{header}\n{sql}"
    path = Path(f"{schema}/{table}.sql")
    return Model(
        TableName(schema, table),
        path,
        text,
        read_header(text, path),
        tuple(TableName(*each.split(".")) for each in reads),
    )


def names(models: tuple[Model, ...]) -> list[str]:
    return [str(each.table) for each in models]


def comments(connection: duckdb.DuckDBPyConnection) -> dict[str, str | None]:
    """Every comment of the database: `schema.table` and `schema.table.column` → text."""
    rows = connection.execute(
        """
        select schema_name || '.' || table_name, comment from duckdb_tables()
        union all
        select schema_name || '.' || view_name, comment from duckdb_views() where not internal
        union all
        select schema_name || '.' || table_name || '.' || column_name, comment from duckdb_columns() where not internal
        """
    ).fetchall()
    return dict(rows)
