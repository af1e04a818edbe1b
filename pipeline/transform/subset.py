"""Runs a model over some rows of its input, without a change to the model.

A second database in memory has a view with the name of each table that the model reads. The views select rows of the
database that is built, and unqualified names in the model resolve to them. Partitions and incremental builds both use this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import duckdb

from pipeline.database.connection import identifier, quoted
from pipeline.transform.macros import create_formulas
from pipeline.transform.project import Model, TableName

Condition = Callable[[TableName, tuple[str, ...]], str | None]
"""Returns the SQL condition for rows of a table with these columns; None for all rows."""


@dataclass(frozen=True)
class Subset:
    """A database of views named `name`, over the database `catalogue`.

    A view of `models` is created again over the limited tables; `condition` limits every other table.
    """

    name: str
    catalogue: str
    models: Mapping[TableName, Model]
    condition: Condition = field(repr=False)


def current_database(connection: duckdb.DuckDBPyConnection) -> str:
    """Return the name of the database that unqualified names refer to."""
    return str(connection.execute("select current_database()").fetchall()[0][0])


def columns_of(connection: duckdb.DuckDBPyConnection, catalogue: str, table: TableName) -> tuple[str, ...]:
    """Return the column names of a table in the database `catalogue`."""
    rows = connection.execute(f"describe {catalogue}.{table.schema}.{identifier(table.name)}").fetchall()
    return tuple(str(row[0]) for row in rows)


@contextmanager
def attached(connection: duckdb.DuckDBPyConnection, name: str) -> Iterator[None]:
    """Attach an empty database in memory; at the end, return to the first one and detach it."""
    catalogue = current_database(connection)
    connection.execute(f"attach ':memory:' as {name}")
    try:
        yield
    finally:
        connection.execute(f"use {catalogue}")
        connection.execute(f"detach {name}")


@contextmanager
def inside(connection: duckdb.DuckDBPyConnection, subset: Subset, model: Model) -> Iterator[None]:
    """Let the names of `model` refer to the subset: create the views that it reads, and make its database current."""
    for table in model.reads:
        _create_view(connection, subset, table)
    connection.execute(f"use {subset.name}")
    try:
        create_formulas(connection, (model.sql,))
        yield
    finally:
        connection.execute(f"use {subset.catalogue}")


def _create_view(connection: duckdb.DuckDBPyConnection, subset: Subset, table: TableName) -> None:
    if _exists(connection, subset, table):
        return
    name = f"{table.schema}.{identifier(table.name)}"
    connection.execute(f"create schema if not exists {subset.name}.{table.schema}")
    model = subset.models.get(table)
    if model is not None and model.header.materialised == "view":
        with inside(connection, subset, model):
            connection.execute(f"create view {name} as\n{model.sql}")
        return
    where = subset.condition(table, columns_of(connection, subset.catalogue, table))
    select = f"select * from {subset.catalogue}.{name}" + (f" where {where}" if where else "")
    connection.execute(f"create view {subset.name}.{name} as {select}")


def _exists(connection: duckdb.DuckDBPyConnection, subset: Subset, table: TableName) -> bool:
    row = connection.execute(
        f"select count(*) from information_schema.tables where table_catalog = {quoted(subset.name)} "
        f"and table_schema = {quoted(table.schema)} and table_name = {quoted(table.name)}"
    ).fetchone()
    return bool(row and row[0])
