"""Models over rows given in Python: no files, no landing log, the same SQL."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from pipeline.config.configuration import Configuration, Input, ReportOfOne
from pipeline.database.connection import connect, create_table, quoted
from pipeline.ingest import domains
from pipeline.ingest.raw_tables import attribute_values
from pipeline.settings import Settings, shipped
from pipeline.transform.build import build, stored_table, write_definition
from pipeline.transform.checks import Outcome, run_checks
from pipeline.transform.definition.first_entry import first_entry
from pipeline.transform.definition.tables import Columns, definition_tables, dimension_source
from pipeline.transform.graph import in_order, select
from pipeline.transform.project import Model, Project, TableName, discover
from pipeline.waterfall.definition import Waterfall
from pipeline.waterfall.names import normalise_stage

ROW = (("input", "VARCHAR"), ("load_no", "INTEGER"), ("row_number", "BIGINT"))
LANDED = (*ROW, ("record_number", "BIGINT"))
RAW: dict[str, tuple[tuple[str, str], ...]] = {
    "stage_entries": (
        *LANDED, ("lead_id", "VARCHAR"), ("stage", "VARCHAR"), ("stage_alias", "VARCHAR"), ("entered_at", "TIMESTAMP"),
        ("sequence", "BIGINT"), ("owner", "VARCHAR"), ("source_system", "VARCHAR"), ("recorded_at", "TIMESTAMP"),
        ("time_note", "VARCHAR"), ("original", "VARCHAR"), ("previous", "VARCHAR"), ("previous_alias", "VARCHAR"),
        ("record_created_at", "TIMESTAMP"),
    ),
    "leads": (
        *LANDED, ("lead_id", "VARCHAR"), ("account_id", "VARCHAR"), ("origin", "VARCHAR"), ("lead_source", "VARCHAR"),
        ("created_at", "TIMESTAMP"), ("created_stage", "VARCHAR"), ("owner", "VARCHAR"), ("email", "VARCHAR"),
        ("title", "VARCHAR"), ("persona", "VARCHAR"), ("current_stage", "VARCHAR"), ("recorded_at", "TIMESTAMP"),
    ),
    "accounts": (
        *LANDED, ("account_id", "VARCHAR"), ("name", "VARCHAR"), ("domain", "VARCHAR"), ("segment", "VARCHAR"),
        ("region", "VARCHAR"), ("recorded_at", "TIMESTAMP"),
    ),
    "merges": (
        *LANDED, ("from_lead_id", "VARCHAR"), ("into_lead_id", "VARCHAR"), ("merged_at", "TIMESTAMP"),
        ("object", "VARCHAR"), ("recorded_at", "TIMESTAMP"),
    ),
    "deletions": (*LANDED, ("lead_id", "VARCHAR"), ("deleted_at", "TIMESTAMP"), ("recorded_at", "TIMESTAMP")),
    "rejected_rows": (
        ("input", "VARCHAR"), ("load_no", "INTEGER"), ("file_name", "VARCHAR"), ("row_number", "BIGINT"),
        ("record_number", "BIGINT"), ("reason", "VARCHAR"), ("original", "VARCHAR"),
    ),
    "loads": (
        ("input", "VARCHAR"), ("table_name", "VARCHAR"), ("load_no", "INTEGER"), ("file_name", "VARCHAR"),
        ("sha256", "VARCHAR"), ("loaded_at", "TIMESTAMP"), ("rows_read", "BIGINT"), ("filtered", "BIGINT"), ("rejected", "BIGINT"),
        ("redelivered", "BIGINT"), ("duplicates", "BIGINT"), ("landed", "BIGINT"),
    ),
}  # fmt: skip
ATTRIBUTES = (*ROW, ("dimension", "VARCHAR"), ("dimension_value", "VARCHAR"))
NOW = datetime(2030, 1, 1)
ALL_BUT_REPORT = ("waterfall.*", "clean.*", "journey.*", "marts.*", "quality.*")
"""Every table of the contract; the report models take a third of the time."""


@cache
def project(sql: Path | None = None) -> Project:
    """The shipped models, or those of another folder, read once."""
    return discover(sql or shipped("sql"))


@cache
def models_in_order(sql: Path | None, given_tables: frozenset[TableName]) -> tuple[Model, ...]:
    """The models of a project in build order, where these tables have no model."""
    return in_order(project(sql).models, given_tables)


def model(name: str) -> Model:
    """The shipped model of a table, such as `marts.conversion`."""
    return next(each for each in project().models if str(each.table) == name)


def built(
    waterfall: Waterfall,
    as_of: datetime,
    rows: Mapping[str, Iterable[Mapping[str, Any]]],
    *,
    inputs: tuple[str, ...] = (),
    input_settings: Mapping[str, Mapping[str, Any]] | None = None,
    entry_columns: frozenset[str] | None = None,
    tables: Iterable[str] | None = None,
    threads: int = 1,
    sql: Path | None = None,
    reports: tuple[ReportOfOne, ...] = (),
    comments: bool = False,
) -> duckdb.DuckDBPyConnection:
    """An in-memory database with the models over `rows` (table of schema raw → rows; missing columns are null).

    `inputs` names inputs of stage entries in the order of a configuration, also inputs that delivered nothing;
    `input_settings` has other settings of an input (precision, priority, format), by name;
    `entry_columns` are the attributes that history gives, where an all-null column can't show it;
    `tables` are built with everything that they read: `marts.conversion` is one table, `marts.*` a layer, None every table;
    a table without a model, such as `waterfall.run`, is always there;
    `sql` is a folder of models that replaces the shipped one;
    `reports` are built beside the report of all leads. With `comments`, the tables of the definition have comments; models
    never have.
    """
    settings = Settings(memory_limit="2GB", threads=threads)
    connection = connect(None, settings, reads_files=True)
    connection.execute("create schema raw")
    given = {name: [dict(row) for row in rows.get(name, rows.get(f"raw.{name}", ()))] for name in RAW}
    for row in given["stage_entries"]:
        row.setdefault("stage_alias", normalise_stage(row["stage"]))
        row.setdefault("previous_alias", normalise_stage(row["previous"]) if row.get("previous") else None)
        row.setdefault("recorded_at", NOW)
    _count_loads(given)
    extras = {name: _create(connection, name, given[name]) for name in RAW}
    entry = {column for row in given["stage_entries"] for column, value in row.items() if value is not None}
    delivered = Columns(
        entry=(frozenset(entry) & (extras["stage_entries"] | {"owner"}) if entry_columns is None else entry_columns),
        lead=frozenset(column for column, _ in RAW["leads"]) | extras["leads"] if given["leads"] else frozenset(),
        account=frozenset(column for column, _ in RAW["accounts"]) | extras["accounts"]
        if given["accounts"]
        else frozenset(),
    )
    sources = {name: dimension_source(name, delivered) or "lead" for name in waterfall.dimensions}
    for table, source in (("stage_entries", "entry"), ("leads", "lead"), ("accounts", "account")):
        attributes = [
            (row["input"], row["load_no"], row["row_number"], name, row.get(name))
            for row in given[table]
            for name in dict.fromkeys(waterfall.rule_columns(table))
        ]
        _create_filled(connection, f"raw.{source}_attributes", ATTRIBUTES, attributes)
        there = {name for name, known in sources.items() if known == source} & (
            extras[table] | {column for column, _ in RAW[table]}
        )
        connection.execute(
            f"create or replace table raw.{table} as select *, {attribute_values(waterfall.dimensions, there)} from raw.{table}"
        )
    domains.create_views(connection, waterfall)
    names = [(name, "stage_entries") for name in inputs]
    names += sorted({(row["input"], row["table_name"]) for row in given["loads"]} - set(names))
    configuration = Configuration(
        path=Path("funnel.toml"),
        waterfall=waterfall,
        inputs=tuple(
            Input(
                name=name,
                table=table,
                pattern=Path(name),
                timezone=waterfall.timezone,
                **(input_settings or {}).get(name, {}),
            )
            for name, table in names
        ),
        output=Path("build"),
        reports=reports,
    )
    first = first_entry(connection, waterfall, as_of)
    definition = definition_tables(configuration, as_of, sources, first, project(sql).models)
    if comments:
        write_definition(connection, definition)
    else:
        for each in definition:
            columns = [(column, kind) for column, kind, _ in each.columns]
            create_table(connection, f"waterfall.{each.name}", columns, each.rows)
    given_tables = frozenset(
        TableName(schema, name)
        for schema, name in connection.execute(
            "select table_schema, table_name from information_schema.tables"
        ).fetchall()
    )
    models = models_in_order(sql, given_tables)
    if tables is not None:
        without_model = {str(table) for table in given_tables}
        models = select(models, " ".join(f"+{table}" for table in tables if table not in without_model))
    build(connection, models, None)
    return connection


def checked(connection: duckdb.DuckDBPyConnection, schema: str = "") -> tuple[Outcome, ...]:
    """The outcome of every check of the models in this database, or of those in one schema."""
    found = connection.execute("select table_schema, table_name from information_schema.tables").fetchall()
    names = {TableName(schema, name) for schema, name in found}
    return run_checks(
        connection,
        tuple(
            model
            for model in project().models
            if stored_table(model) in names and model.table.schema.startswith(schema)
        ),
        tuple(check for check in project().checks if names.issuperset(check.reads) and check.name.startswith(schema)),
    )


def records(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    """The rows of a query as dicts."""
    held = connection.execute(sql).fetchall()
    names = [column[0] for column in connection.description or []]
    return [dict(zip(names, row, strict=True)) for row in held]


def _create(connection: duckdb.DuckDBPyConnection, name: str, rows: list[dict[str, Any]]) -> frozenset[str]:
    known = [column for column, _ in RAW[name]]
    extra = sorted({column for row in rows for column in row} - set(known))
    columns = (*RAW[name], *((column, "VARCHAR") for column in extra))
    _create_filled(connection, f"raw.{name}", columns, [[row.get(column) for column, _ in columns] for row in rows])
    return frozenset(extra)


def _create_filled(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Sequence[tuple[str, str]],
    rows: Sequence[Sequence[Any]],
) -> None:
    """Create a table with rows. DuckDB reads many rows ten times as fast from one JSON text as from literals."""
    if len(rows) < 100:
        create_table(connection, table, columns, rows)
        return
    create_table(connection, table, columns, ())
    names = [column for column, _ in columns]
    text = json.dumps([dict(zip(names, row, strict=True)) for row in rows], default=str)
    kinds = json.dumps([dict(columns)])
    connection.execute(
        f"insert into {table} select row.* from (select unnest(from_json({quoted(text)}, {quoted(kinds)})) as row)"
    )


def _count_loads(given: dict[str, list[dict[str, Any]]]) -> None:
    if given["loads"]:
        return
    counted: dict[tuple[str, str, int], int] = {}
    for table in ("stage_entries", "leads", "accounts", "merges", "deletions"):
        for row in given[table]:
            key = (row["input"], table, row["load_no"])
            counted[key] = counted.get(key, 0) + 1
    for (name, table, load_no), count in sorted(counted.items(), key=lambda item: item[0]):
        given["loads"].append(
            {
                "input": name, "table_name": table, "load_no": load_no, "file_name": f"{name}.csv", "sha256": "",
                "loaded_at": NOW, "rows_read": count, "filtered": 0, "rejected": 0, "redelivered": 0, "duplicates": 0,
                "landed": count,
            }
        )  # fmt: skip
