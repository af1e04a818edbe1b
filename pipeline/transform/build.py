"""Builds models into tables and views, with comments. An error names the model and its file."""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import duckdb

from pipeline import log
from pipeline.database.connection import create_table, identifier, quoted
from pipeline.database.parallel import Cursors
from pipeline.errors import Interrupted, ModelError
from pipeline.settings import MORE_MEMORY
from pipeline.transform.definition.tables import Table
from pipeline.transform.macros import create_formulas
from pipeline.transform.partitions import Partition, condition_of, plan_partitions
from pipeline.transform.project import Model, TableName
from pipeline.transform.subset import Subset, attached, current_database, inside

NO_MODELS: Mapping[TableName, Model] = {}


@dataclass(frozen=True)
class BuiltModel:
    """A built model: its rows (None for a view) and its build time."""

    table: str
    rows: int | None
    seconds: float


@dataclass
class _Progress:
    """Logs each built model. `total` is the number of models in the run."""

    total: int
    done: int = 0

    def log(self, built: BuiltModel) -> None:
        """Count a model, and log it with its rows and seconds."""
        self.done += 1
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
    """Create the tables of schema `waterfall`, with comments."""
    statements = []
    for table in tables:
        name = f"waterfall.{table.name}"
        create_table(connection, name, [(column, kind) for column, kind, _ in table.columns], table.rows)
        statements.append(f"comment on table {name} is {quoted(table.comment)}")
        for column, _, comment in table.columns:
            statements.append(f"comment on column {name}.{identifier(column)} is {quoted(comment)}")
    _in_transaction(connection, statements)


def build(
    connection: duckdb.DuckDBPyConnection,
    models: tuple[Model, ...],
    dictionary: dict[str, str] | None,
    cursors: Cursors | None = None,
) -> tuple[BuiltModel, ...]:
    """Build `models` in the given order; with `cursors`, several at once, each after the models that it reads.

    `dictionary` has the comments of columns that several tables share. With None, no comments are written.
    """
    for schema in dict.fromkeys(
        schema for model in models for schema in (model.table.schema, stored_table(model).schema)
    ):
        connection.execute(f"create schema if not exists {schema}")
    create_formulas(connection, (model.sql for model in models))
    by_table = {model.table: model for model in models}
    number_of = {model.table: number for number, model in enumerate(models)}

    def job(model: Model) -> Callable[[duckdb.DuckDBPyConnection], BuiltModel]:
        def build_model(cursor: duckdb.DuckDBPyConnection) -> BuiltModel:
            started = time.monotonic()
            rows = create(cursor, model, by_table)
            return BuiltModel(str(model.table), rows, time.monotonic() - started)

        return build_model

    built = (cursors or Cursors(connection)).run(
        [job(model) for model in models],
        [frozenset(number_of[table] for table in model.reads if table in number_of) for model in models],
        _Progress(total=len(models)).log,
    )
    if dictionary is not None:
        comment(connection, models, dictionary)
    return built


def column_dictionary(folder: Path) -> dict[str, str]:
    """Read sql/columns.toml: comments of columns that mean the same in every table."""
    return {name: str(text) for name, text in tomllib.loads((folder / "columns.toml").read_text("utf-8")).items()}


def create(
    connection: duckdb.DuckDBPyConnection, model: Model, models: Mapping[TableName, Model] = NO_MODELS
) -> int | None:
    """Create the table or view of a model in the current database. Returns its rows; None for a view.

    `models` has the views that a model reads which is built in partitions.
    """
    kind = model.header.materialised
    other = "view" if kind == "table" else "table"
    try:
        if kind == "table":
            return _create_table(connection, model, models)
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


def stored_table(model: Model) -> TableName:
    """Return the table with the stored rows of a model: its own, or one in schema `stored` if it stores only some rows."""
    return replace(model.table, schema="stored") if model.header.stored_where else model.table


def _create_table(connection: duckdb.DuckDBPyConnection, model: Model, models: Mapping[TableName, Model]) -> int:
    """Store the rows of a model, in partitions if they do not fit into memory at once."""
    table, condition = _quoted(stored_table(model)), model.header.stored_where
    select = f"select * from (\n{model.sql}\n) where {condition}" if condition else model.sql
    partitions = plan_partitions(connection, model.header.partition_rules)
    if partitions:
        rows = _insert_partitions(connection, model, models, select, partitions)
    else:
        rows = _rows(connection, f"create or replace table {table} as\n{select}")
    if condition:
        # The view computes the other rows on read, with the same SELECT.
        connection.execute(
            f"create or replace view {_quoted(model.table)} as\n"
            f"select * from {table}\nunion all\nselect * from (\n{model.sql}\n) where {_opposite(condition)}"
        )
    return rows


def _insert_partitions(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    models: Mapping[TableName, Model],
    select: str,
    partitions: tuple[Partition, ...],
) -> int:
    """Create the table of a model from one SELECT per partition. Returns its rows."""
    table, catalogue, rows = _quoted(stored_table(model)), current_database(connection), 0
    name = f"partition_{model.table.schema}_{model.table.name}"
    connection.execute(f"create or replace table {table} as\nselect * from (\n{select}\n) limit 0")
    for partition in partitions:
        subset = Subset(name, catalogue, models, partial(condition_of, partition))
        with attached(connection, name), inside(connection, subset, model):
            rows += _rows(connection, f"insert into {catalogue}.{table}\n{select}")
    return rows


def _rows(connection: duckdb.DuckDBPyConnection, statement: str) -> int:
    row = connection.execute(statement).fetchone()
    return int(row[0]) if row else 0


def _quoted(table: TableName) -> str:
    return f"{table.schema}.{identifier(table.name)}"


def _opposite(condition: str) -> str:
    """Negate a condition. For `column in (…)`, write one `<>` per value: DuckDB then prunes a query for one stored value."""
    column_in = re.fullmatch(r"(\w+) in \(([^()]*)\)", condition)
    if column_in is None:
        return f"not ({condition})"
    return " and ".join(f"{column_in[1]} <> {value.strip()}" for value in column_in[2].split(","))


def _without_values(error: duckdb.Error) -> str:
    """Return DuckDB's message for an error in SQL, only its type for an error in data: that message may quote a value."""
    about_sql = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException, duckdb.SyntaxException)
    return str(error).splitlines()[0] if isinstance(error, about_sql) else type(error).__name__


def comment(connection: duckdb.DuckDBPyConnection, models: tuple[Model, ...], dictionary: dict[str, str]) -> None:
    """Write the comments of built models and of their columns into the database."""
    columns: dict[TableName, list[str]] = {}
    for schema, table, column in connection.execute(
        "select schema_name, table_name, column_name from duckdb_columns() where database_name = current_database()"
    ).fetchall():
        columns.setdefault(TableName(schema, table), []).append(column)
    statements = []
    for model in models:
        for table in dict.fromkeys((model.table, stored_table(model))):
            kind = "view" if model.header.stored_where and table == model.table else model.header.materialised
            name = _quoted(table)
            statements.append(f"comment on {kind} {name} is {quoted(model.header.comment)}")
            own = dict(model.header.columns)
            for column in columns[table]:
                text = own.get(column) or dictionary.get(column)
                if text:
                    statements.append(f"comment on column {name}.{identifier(column)} is {quoted(text)}")
    _in_transaction(connection, statements)


def _in_transaction(connection: duckdb.DuckDBPyConnection, statements: list[str]) -> None:
    connection.execute(";\n".join(("begin", *statements, "commit")))
