"""Models into tables, one after the other, with their comments; an error names the model and its file."""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from pipeline.engines.duckdb import create_table, identifier, quoted
from pipeline.errors import Interrupted, ModelError
from pipeline.models.discover import Model, TableName
from pipeline.waterfall.tables import Table


@dataclass(frozen=True)
class Built:
    """One model, built: how many rows it has (None for a view) and how long it took."""

    table: str
    rows: int | None
    seconds: float
    position: int
    of: int


def write_definition(connection: duckdb.DuckDBPyConnection, tables: tuple[Table, ...]) -> None:
    """Write schema `waterfall` with its comments."""
    for table in tables:
        name = f"waterfall.{table.name}"
        create_table(connection, name, [(column, kind) for column, kind, _ in table.columns], table.rows)
        connection.execute(f"comment on table {name} is {quoted(table.comment)}")
        for column, _, comment in table.columns:
            connection.execute(f"comment on column {name}.{identifier(column)} is {quoted(comment)}")


def build(
    connection: duckdb.DuckDBPyConnection,
    models: tuple[Model, ...],
    dictionary: dict[str, str],
    progress: Callable[[Built], None],
) -> tuple[Built, ...]:
    """Build `models` in the order given. `dictionary` has the comment of every column that several tables share."""
    done = []
    for position, model in enumerate(models, 1):
        started = time.monotonic()
        rows = _create(connection, model)
        comment(connection, model, dictionary)
        built = Built(str(model.table), rows, time.monotonic() - started, position, len(models))
        progress(built)
        done.append(built)
    return tuple(done)


def column_dictionary(folder: Path) -> dict[str, str]:
    """Comments of columns that mean the same wherever they stand: sql/columns.toml."""
    return {name: str(text) for name, text in tomllib.loads((folder / "columns.toml").read_text("utf-8")).items()}


def _create(connection: duckdb.DuckDBPyConnection, model: Model) -> int | None:
    schema, name = model.table.schema, model.table.name
    kind = model.header.materialised
    other = "view" if kind == "table" else "table"
    try:
        for each in dict.fromkeys((schema, stored(model).schema)):
            connection.execute(f"create schema if not exists {each}")
        if model.header.kept:
            _create_kept(connection, model, model.header.kept)
        else:
            connection.execute(f"create or replace {kind} {schema}.{identifier(name)} as\n{model.sql}")
        if kind == "view":
            return None
        row = connection.execute(f"select count(*) from {stored(model).schema}.{identifier(name)}").fetchone()
        return int(row[0]) if row else 0
    except duckdb.InterruptException as interrupt:
        raise Interrupted("interrupted", where=str(model.table)) from interrupt
    except duckdb.OutOfMemoryException as full:
        raise ModelError(
            f"{model.table} does not fit into the memory limit",
            where=str(model.path),
            next_step="set FUNNEL_MEMORY higher (such as 8GB) or FUNNEL_THREADS lower",
        ) from full
    except duckdb.Error as error:
        raise ModelError(
            f"{model.table} failed: {_without_values(error)}",
            where=str(model.path),
            next_step=f"open the file in `duckdb` and run it; a {other} of that name must not exist",
        ) from error


def stored(model: Model) -> TableName:
    """The table that holds the rows of a model: itself, or beside it where only some rows are kept."""
    return replace(model.table, schema=f"{model.table.schema}_kept") if model.header.kept else model.table


def _create_kept(connection: duckdb.DuckDBPyConnection, model: Model, kept: str) -> None:
    """Store the rows that a reader asks for every day; the same SELECT makes the others when somebody asks for them."""
    table = f"{stored(model).schema}.{identifier(model.table.name)}"
    connection.execute(f"create or replace table {table} as\nselect * from (\n{model.sql}\n) where {kept}")
    connection.execute(
        f"create or replace view {model.table.schema}.{identifier(model.table.name)} as\n"
        f"select * from {table}\nunion all\nselect * from (\n{model.sql}\n) where {_otherwise(kept)}"
    )


def _otherwise(kept: str) -> str:
    """The opposite of `kept`. Of `column in (…)` one by one: then DuckDB sees that a reader of one kept value needs no others."""
    listed = re.fullmatch(r"(\w+) in \(([^()]*)\)", kept)
    if listed is None:
        return f"not ({kept})"
    return " and ".join(f"{listed[1]} <> {value.strip()}" for value in listed[2].split(","))


def _without_values(error: duckdb.Error) -> str:
    """DuckDB's message down to its kind for errors about data (a conversion quotes the value), whole for errors about SQL."""
    about_sql = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException, duckdb.SyntaxException)
    return str(error).splitlines()[0] if isinstance(error, about_sql) else type(error).__name__


def comment(connection: duckdb.DuckDBPyConnection, model: Model, dictionary: dict[str, str]) -> None:
    """Write what the header says of a built model, and of its columns, into the database."""
    table = f"{model.table.schema}.{identifier(model.table.name)}"
    kind = "view" if model.header.kept else model.header.materialised
    statements = [f"comment on {kind} {table} is {quoted(model.header.comment)}"]
    if model.header.kept:
        beside = f"{stored(model).schema}.{identifier(model.table.name)}"
        said = f"Rows of {table} that are stored: {model.header.kept}."
        statements.append(f"comment on table {beside} is {quoted(said)}")
    own = dict(model.header.columns)
    for name, *_ in connection.execute(f"describe {table}").fetchall():
        text = own.get(name) or dictionary.get(name)
        if text:
            statements.append(f"comment on column {table}.{identifier(name)} is {quoted(text)}")
    # In one transaction: each would be a write to the disk of its own.
    connection.execute(";\n".join(("begin", *statements, "commit")))
