"""Models into tables, one after the other, with their comments; an error names the model and its file."""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from pipeline import log
from pipeline.database.connection import create_table, identifier, quoted
from pipeline.database.parallel import Cursors
from pipeline.errors import Interrupted, ModelError
from pipeline.settings import MORE_MEMORY
from pipeline.transform.definition.tables import Table
from pipeline.transform.macros import create_formulas
from pipeline.transform.partitions import over, parts
from pipeline.transform.project import Model, TableName


@dataclass(frozen=True)
class Built:
    """A model that was built: its rows (None for a view) and the seconds it took."""

    table: str
    rows: int | None
    seconds: float


@dataclass
class Progress:
    """Logs each model when it is built. `total` counts the models of the whole run; `silent` logs none."""

    total: int
    done: int = 0
    is_silent: bool = False

    def log(self, built: Built) -> None:
        """Count a model, and log it with its rows and seconds."""
        self.done += 1
        if not self.is_silent:
            log.event(
                "model",
                f"{self.done:>3}/{self.total} {built.table:<28} {log.row_count(built.rows)} {built.seconds:>7.2f} s",
                model=built.table,
                rows=built.rows,
                seconds=round(built.seconds, 3),
                position=self.done,
                of=self.total,
            )


def write_definition(connection: duckdb.DuckDBPyConnection, tables: tuple[Table, ...]) -> None:
    """Write schema `waterfall` with its comments."""
    statements = []
    for table in tables:
        name = f"waterfall.{table.name}"
        create_table(connection, name, [(column, kind) for column, kind, _ in table.columns], table.rows)
        statements.append(f"comment on table {name} is {quoted(table.comment)}")
        for column, _, comment in table.columns:
            statements.append(f"comment on column {name}.{identifier(column)} is {quoted(comment)}")
    _at_once(connection, statements)


def build(
    connection: duckdb.DuckDBPyConnection,
    models: tuple[Model, ...],
    dictionary: dict[str, str] | None,
    cursors: Cursors | None = None,
    progress: Progress | None = None,
) -> tuple[Built, ...]:
    """Build `models` in the order given, or with `cursors` several at once, each after those that it reads.

    `dictionary` has the comment of every column that several tables share. None in its place: nothing gets a comment,
    since nobody is to read what is built.
    """
    for schema in dict.fromkeys(schema for model in models for schema in (model.table.schema, stored(model).schema)):
        connection.execute(f"create schema if not exists {schema}")
    create_formulas(connection, (model.sql for model in models))
    number_of = {model.table: number for number, model in enumerate(models)}

    def job(model: Model) -> Callable[[duckdb.DuckDBPyConnection], Built]:
        def made(cursor: duckdb.DuckDBPyConnection) -> Built:
            started = time.monotonic()
            rows = create(cursor, model)
            return Built(str(model.table), rows, time.monotonic() - started)

        return made

    done = (cursors or Cursors(connection)).run(
        [job(model) for model in models],
        [frozenset(number_of[table] for table in model.reads if table in number_of) for model in models],
        (progress or Progress(total=len(models))).log,
    )
    if dictionary is not None:
        comment(connection, models, dictionary)
    return done


def column_dictionary(folder: Path) -> dict[str, str]:
    """Comments of columns that mean the same wherever they stand: sql/columns.toml."""
    return {name: str(text) for name, text in tomllib.loads((folder / "columns.toml").read_text("utf-8")).items()}


def create(connection: duckdb.DuckDBPyConnection, model: Model) -> int | None:
    """Make the table or view of a model in the current catalogue. Returns its rows, None for a view."""
    kind = model.header.materialised
    other = "view" if kind == "table" else "table"
    try:
        if kind == "table":
            return _create_table(connection, model)
        connection.execute(f"create or replace view {_quoted(model.table)} as\n{model.sql}")
        return None
    except duckdb.InterruptException as interrupt:
        raise Interrupted("interrupted", where=str(model.table)) from interrupt
    except duckdb.OutOfMemoryException as full:
        raise ModelError(
            f"{model.table} does not fit into the memory limit",
            where=str(model.path),
            next_step=MORE_MEMORY,
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


def _create_table(connection: duckdb.DuckDBPyConnection, model: Model) -> int:
    """Store the rows of a model, part by part where they would not fit into the memory at once."""
    table, kept = _quoted(stored(model)), model.header.kept
    select = f"select * from (\n{model.sql}\n) where {kept}" if kept else model.sql
    rows = 0
    for number, part in enumerate(parts(connection, model.header.parts)):
        with over(connection, part):
            into = f"insert into {table}" if number else f"create or replace table {table} as"
            row = connection.execute(f"{into}\n{select}").fetchone()
            rows += int(row[0]) if row else 0
    if kept:
        # The same SELECT makes the other rows when somebody asks for them.
        connection.execute(
            f"create or replace view {_quoted(model.table)} as\n"
            f"select * from {table}\nunion all\nselect * from (\n{model.sql}\n) where {_otherwise(kept)}"
        )
    return rows


def _quoted(table: TableName) -> str:
    return f"{table.schema}.{identifier(table.name)}"


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


def comment(connection: duckdb.DuckDBPyConnection, models: tuple[Model, ...], dictionary: dict[str, str]) -> None:
    """Write what the headers say of built models, and of their columns, into the database."""
    columns: dict[TableName, list[str]] = {}
    for schema, table, column in connection.execute(
        "select schema_name, table_name, column_name from duckdb_columns() where database_name = current_database()"
    ).fetchall():
        columns.setdefault(TableName(schema, table), []).append(column)
    statements = []
    for model in models:
        for table in dict.fromkeys((model.table, stored(model))):
            kind = "view" if model.header.kept and table == model.table else model.header.materialised
            name = _quoted(table)
            statements.append(f"comment on {kind} {name} is {quoted(model.header.comment)}")
            own = dict(model.header.columns)
            for column in columns[table]:
                text = own.get(column) or dictionary.get(column)
                if text:
                    statements.append(f"comment on column {name}.{identifier(column)} is {quoted(text)}")
    _at_once(connection, statements)


def _at_once(connection: duckdb.DuckDBPyConnection, statements: list[str]) -> None:
    connection.execute(";\n".join(("begin", *statements, "commit")))
