"""The core job with the models of the product: from the landing log to a database file."""

from __future__ import annotations

from pathlib import Path

import duckdb

from benchmarks.history import CLOCK, History
from pipeline.database.connection import connect
from pipeline.ingest.raw_tables import create_raw_views
from pipeline.settings import Settings, shipped
from pipeline.transform import graph
from pipeline.transform.build import BuiltModel, build, column_dictionary, write_definition
from pipeline.transform.definition.first_entry import first_entry
from pipeline.transform.definition.tables import definition_tables
from pipeline.transform.project import TableName, discover

CORE_MODELS = "+journey.stage_spans +journey.cycles +marts.conversion +marts.time_in_stage +marts.stage_flow +marts.lead_to_account"
"""The published tables of the core job. The tables they read are built too."""

_ANSWERS = {
    "spans": "select stage, exit_kind, count(*) as spans from journey.stage_spans group by all",
    "cycles": "select entry_stage, furthest_stage, outcome, count(*) as cycles from journey.cycles group by all",
    "time_in_stage": (
        "select period_start as month, stage, completed, median_days, p90_days from marts.time_in_stage "
        "where grain = 'month' and dimension = 'all' and next_stage = 'all'"
    ),
    "conversion": (
        "select cohort_start as month, dimension_value as source, from_stage, to_stage, "
        "entered, converted, passed_over, lost, still_open from marts.conversion "
        "where unit = 'cycle' and grain = 'month' and dimension = 'lead_source' and window_days is null"
    ),
}


def run(history: History, settings: Settings, folder: Path) -> tuple[int, dict[str, float]]:
    """Build the core models into `folder`/funnel.duckdb. Returns the number of spans and the seconds of each model."""
    connection, built = build_models(history, settings, folder, CORE_MODELS, column_dictionary(shipped("sql")))
    row = connection.execute("select count(*) from journey.stage_spans").fetchone()
    connection.close()
    return int(row[0]) if row else 0, {each.table: each.seconds for each in built}


def build_models(
    history: History, settings: Settings, folder: Path, selection: str, dictionary: dict[str, str] | None
) -> tuple[duckdb.DuckDBPyConnection, tuple[BuiltModel, ...]]:
    """Build the models of a selection from the landing log into `folder`/funnel.duckdb, like `funnel run --select`.

    Returns an open connection and the built models. With None instead of a dictionary, no comments are written.
    """
    configuration = history.configuration()
    log_folder = history.log_output / "landing"
    (folder / "funnel.duckdb").unlink(missing_ok=True)
    connection = connect(folder / "funnel.duckdb", settings, spill=folder / "spill", reads_files=True)
    create_raw_views(connection, configuration, log_folder)
    project = discover(shipped("sql"))
    as_of = configuration.waterfall.as_of or CLOCK
    first = first_entry(connection, configuration.waterfall, as_of)
    write_definition(
        connection, definition_tables(configuration, as_of, {"lead_source": "lead"}, first, project.models)
    )
    there = connection.execute("select table_schema, table_name from information_schema.tables").fetchall()
    models = graph.in_order(project.models, frozenset(TableName(schema, name) for schema, name in there))
    built = build(connection, graph.select(models, selection), dictionary)
    connection.execute("drop schema raw cascade")
    connection.execute("checkpoint")
    return connection, built


def answer(folder: Path, answers: Path) -> None:
    """Write the answers of the built file in the format of the reference implementations."""
    connection = connect(folder / "funnel.duckdb", Settings.of_this_machine(), reads_files=True)
    for name, sql in _ANSWERS.items():
        connection.execute(f"copy ({sql}) to '{answers / name}.parquet' (format parquet)")
    connection.close()
