"""Builds reports for one value of a dimension: for each, the report layer is built again and stored in its own schema."""

from __future__ import annotations

import time
from dataclasses import replace

import duckdb

from pipeline import log
from pipeline.database.connection import identifier, quoted
from pipeline.database.parallel import Cursors
from pipeline.transform.build import BuiltModel, Progress, build, comment
from pipeline.transform.checks import Outcome, run_checks
from pipeline.transform.project import Check, Model, Project, TableName

LAYER = "report"


def build_all(
    connection: duckdb.DuckDBPyConnection,
    project: Project,
    models: tuple[Model, ...],
    chosen: tuple[Model, ...],
    dictionary: dict[str, str],
    cursors: Cursors | None = None,
) -> tuple[tuple[BuiltModel, ...], tuple[Outcome, ...]]:
    """Build the `chosen` models, the report layer once per report, last for the report of all leads.

    `models` and `chosen` are in build order. A report for one value is built completely if any of its tables is chosen.
    Returns the built models and the check outcomes of these reports; the report of all leads is not checked here.
    """
    layer = tuple(model for model in chosen if model.table.schema == LAYER)
    earlier = tuple(model for model in chosen if model not in layer)

    progress = Progress(len(earlier) + len(layer))
    built = build(connection, earlier, dictionary, cursors, progress)
    variants: tuple[BuiltModel, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    if layer:
        whole = tuple(model for model in models if model.table.schema == LAYER)
        checks = tuple(check for check in project.checks if check.name.startswith(f"{LAYER}."))
        variants, outcomes = build_variants(connection, whole, checks, dictionary, cursors)
        layer = whole if variants else layer
    report = build(connection, layer, dictionary, cursors, progress)
    return (*built, *variants, *report), outcomes


def build_variants(
    connection: duckdb.DuckDBPyConnection,
    models: tuple[Model, ...],
    checks: tuple[Check, ...],
    dictionary: dict[str, str],
    cursors: Cursors | None = None,
) -> tuple[tuple[BuiltModel, ...], tuple[Outcome, ...]]:
    """Build, check and store the report layer for each row of waterfall.reports except the report of all leads.

    `models` (in build order) and `checks` are those of the report layer; every earlier layer must be built. Afterwards,
    schema report has the tables of the last variant and must be rebuilt. Outcomes are named after the variant's schema.
    """
    variants = connection.execute(
        "select report, dimension, dimension_value from waterfall.reports where report_no > 0 order by report_no"
    ).fetchall()
    stored: list[BuiltModel] = []
    outcomes: list[Outcome] = []
    for report, dimension, value in variants:
        log.info(f"report {report}")
        _set_report_filter(connection, report, dimension, value)
        build(connection, models, None, cursors, Progress(len(models), is_silent=True))
        schema = f"{LAYER}_{report}"
        outcomes += [
            replace(outcome, name=f"{schema}.{outcome.name.removeprefix(f'{LAYER}.')}")
            for outcome in run_checks(connection, models, checks, cursors)
        ]
        stored += _store_tables(connection, models, schema, dictionary)
    if variants:
        _set_report_filter(connection, "all", "all", "all")
    return tuple(stored), tuple(outcomes)


def empty_report_warnings(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return a warning for each report whose value no lead has. Such a report is complete but empty."""
    rows = connection.execute(
        """
        select reports.report, reports.dimension, reports.dimension_value
        from waterfall.reports as reports
        anti join journey.slices as slices
            on slices.dimension = reports.dimension and slices.dimension_value = reports.dimension_value
        where reports.report_no > 0
        order by reports.report_no
        """
    ).fetchall()
    return [f"report {report}: no lead has {dimension} = {value}, so it is empty" for report, dimension, value in rows]


def _set_report_filter(connection: duckdb.DuckDBPyConnection, report: str, dimension: str, value: str) -> None:
    connection.execute(
        f"update waterfall.report_filter set report = {quoted(report)}, dimension = {quoted(dimension)},"
        f" dimension_value = {quoted(value)}"
    )


def _store_tables(
    connection: duckdb.DuckDBPyConnection, models: tuple[Model, ...], schema: str, dictionary: dict[str, str]
) -> list[BuiltModel]:
    connection.execute(f"drop schema if exists {schema} cascade")
    connection.execute(f"create schema {schema}")
    stored, copies = [], []
    for model in models:
        started = time.monotonic()
        name = identifier(model.table.name)
        row = connection.execute(f"create table {schema}.{name} as from {LAYER}.{name}").fetchone()
        copy = replace(
            model, table=TableName(schema, model.table.name), header=replace(model.header, materialised="table")
        )
        copies.append(copy)
        stored.append(BuiltModel(str(copy.table), int(row[0]) if row else 0, time.monotonic() - started))
    comment(connection, tuple(copies), dictionary)
    return stored
