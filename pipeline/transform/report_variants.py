"""Reports of one value of a dimension: the report layer once more for each, its tables kept in a schema of their own."""

from __future__ import annotations

import time
from dataclasses import replace

import duckdb

from pipeline import log
from pipeline.database.connection import identifier, quoted
from pipeline.database.parallel import Cursors
from pipeline.transform.build import Built, Progress, build, comment
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
) -> tuple[tuple[Built, ...], tuple[Outcome, ...]]:
    """Build the chosen of all models, both in building order; the report layer once for each report, that of all leads last.

    The tables of a report go together, so a report of one value is built whole when any of them is chosen. Gives what was
    built and what the checks of the reports of one value found; those of all leads are still to be checked.
    """
    layer = tuple(model for model in chosen if model.table.schema == LAYER)
    earlier = tuple(model for model in chosen if model not in layer)

    progress = Progress(len(earlier) + len(layer))
    built = build(connection, earlier, dictionary, cursors, progress)
    kept: tuple[Built, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    if layer:
        whole = tuple(model for model in models if model.table.schema == LAYER)
        checks = tuple(check for check in project.checks if check.name.startswith(f"{LAYER}."))
        kept, outcomes = build_variants(connection, whole, checks, dictionary, cursors)
        layer = whole if kept else layer
    shown = build(connection, layer, dictionary, cursors, progress)
    return (*built, *kept, *shown), outcomes


def build_variants(
    connection: duckdb.DuckDBPyConnection,
    models: tuple[Model, ...],
    checks: tuple[Check, ...],
    dictionary: dict[str, str],
    cursors: Cursors | None = None,
) -> tuple[tuple[Built, ...], tuple[Outcome, ...]]:
    """Build, check and keep the report layer for each row of waterfall.reports but the first, the report of all leads.

    `models` and `checks` are those of the report layer, models in building order; every earlier layer is built. What
    schema report holds afterwards is of the last variant: build it anew. Outcomes are named after the variant's schema.
    """
    found = connection.execute(
        "select report, dimension, dimension_value from waterfall.reports where report_no > 0 order by report_no"
    ).fetchall()
    done: list[Built] = []
    outcomes: list[Outcome] = []
    for report, dimension, value in found:
        log.info(f"report {report}")
        _show(connection, report, dimension, value)
        build(connection, models, None, cursors, Progress(len(models), is_silent=True))
        schema = f"{LAYER}_{report}"
        outcomes += [
            replace(outcome, name=f"{schema}.{outcome.name.removeprefix(f'{LAYER}.')}")
            for outcome in run_checks(connection, models, checks, cursors)
        ]
        done += _keep(connection, models, schema, dictionary)
    if found:
        _show(connection, "all", "all", "all")
    return tuple(done), tuple(outcomes)


def without_a_lead(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """A warning for each report whose value nobody has: it is whole, and empty."""
    rows = connection.execute(
        """
        select reports.report, reports.dimension, reports.dimension_value
        from waterfall.reports as reports
        anti join journey.cuts as cuts
            on cuts.dimension = reports.dimension and cuts.dimension_value = reports.dimension_value
        where reports.report_no > 0
        order by reports.report_no
        """
    ).fetchall()
    return [f"report {report}: no lead has {dimension} = {value}, so it is empty" for report, dimension, value in rows]


def _show(connection: duckdb.DuckDBPyConnection, report: str, dimension: str, value: str) -> None:
    connection.execute(
        f"update waterfall.shown_cut set report = {quoted(report)}, dimension = {quoted(dimension)},"
        f" dimension_value = {quoted(value)}"
    )


def _keep(
    connection: duckdb.DuckDBPyConnection, models: tuple[Model, ...], schema: str, dictionary: dict[str, str]
) -> list[Built]:
    connection.execute(f"drop schema if exists {schema} cascade")
    connection.execute(f"create schema {schema}")
    kept, copies = [], []
    for model in models:
        started = time.monotonic()
        name = identifier(model.table.name)
        row = connection.execute(f"create table {schema}.{name} as from {LAYER}.{name}").fetchone()
        copy = replace(
            model, table=TableName(schema, model.table.name), header=replace(model.header, materialised="table")
        )
        copies.append(copy)
        kept.append(Built(str(copy.table), int(row[0]) if row else 0, time.monotonic() - started))
    comment(connection, tuple(copies), dictionary)
    return kept
