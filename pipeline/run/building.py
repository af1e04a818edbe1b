"""The second step of a run: builds the tables from the landing log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import duckdb

from pipeline.database.connection import connect
from pipeline.database.parallel import Cursors, Shares, shares
from pipeline.errors import UsageError
from pipeline.ingest.landing import loading
from pipeline.ingest.raw_tables import create_raw_views
from pipeline.publish import intact
from pipeline.publish.manifest import require_published
from pipeline.run import findings, requirements
from pipeline.run.loading import Loaded
from pipeline.run.publishing import NewRun, require_same_privacy
from pipeline.settings import shipped
from pipeline.transform import graph, incremental, macros
from pipeline.transform.build import BuiltModel, column_dictionary, write_definition
from pipeline.transform.build import build as build_models
from pipeline.transform.definition.first_entry import first_entry
from pipeline.transform.definition.tables import definition_tables
from pipeline.transform.previous_run import LoggedLoad, PreviousRun, open_previous_run
from pipeline.transform.project import Model, Project, TableName, discover


@dataclass(frozen=True)
class BuiltTables:
    """The tables of a run in its closed database file."""

    project: Project
    models: tuple[BuiltModel, ...]
    incomplete: tuple[str, ...]
    """Findings about incomplete data, for the report and the log."""
    warnings: tuple[str, ...]
    shares: Shares
    """How queries share the machine."""


def from_published(new: NewRun) -> NewRun:
    """Copy the published tables for `--select`, which builds only some models on top of them.

    Raises UsageError if the configuration, the privacy key or the landing log changed since the published run.
    """
    options = new.options
    published = require_published(new.published, options.output)
    loads = [load.load_no for load in loading.open_log(options.log_folder).loads]
    before = published.manifest
    if before["configuration_sha256"] != options.configuration_sha256() or before["loads"] != loads:
        raise UsageError(
            "the configuration or the landing log changed since the published run",
            where="--select",
            next_step="run once without --select",
        )
    require_same_privacy(options, published)
    intact.copy(published.database, before, new.folder.database)
    waterfall = replace(options.configuration.waterfall, as_of=datetime.fromisoformat(before["as_of"]))
    return replace(new, options=replace(options, configuration=replace(options.configuration, waterfall=waterfall)))


def build(new: NewRun, loaded: Loaded) -> BuiltTables:
    """Build the tables from the landing log: in full, for changed leads only, or the models of `--select`."""
    options = new.options
    with new.phases.timed("models"):
        project = discover(shipped("sql"))
        previous, damage = _previous_run(new, loaded, project)
        connection = connect(new.folder.database, options.settings, spill=new.folder.spill, reads_files=True)
        new.connections.add(connection)
        warnings = [*damage, *_write_sources(connection, new, loaded, project.models)]
        shared = shares(
            options.settings, sum(load.landed for load in loaded.log.loads if load.table == "stage_entries")
        )
        connection.execute(f"set threads = {shared.settings.threads}")
        models = graph.in_order(project.models, _tables(connection))
        chosen = graph.select(models, options.select) if options.select else models
        dictionary = column_dictionary(shipped("sql"))
        history = incremental.build_history(connection, models, previous, dictionary) if previous else ()
        chosen = tuple(model for model in chosen if not history or model.table.schema not in incremental.LAYERS)
        with Cursors(connection, shared.queries) as cursors:
            new.connections.add(cursors)
            built = build_models(connection, chosen, dictionary, cursors)
        warnings += findings.empty_reports(connection)
        incomplete = findings.warnings(connection, options.configuration, is_whole=not options.select)
        macros.create_macros(connection, macros.discover_macros(shipped("sql")))
        connection.execute("drop schema raw cascade")  # the landing log keeps the raw rows
        connection.execute("checkpoint")
        connection.close()
    return BuiltTables(project, (*history, *built), tuple(incomplete), (*warnings, *incomplete), shared)


def _previous_run(new: NewRun, loaded: Loaded, project: Project) -> tuple[PreviousRun | None, tuple[str, ...]]:
    """Return the published run to build on, and warnings about it. None if every table is built from the whole log."""
    options = new.options
    if options.full or options.from_log or options.select or new.published is None:
        return None, ()
    loads = tuple(LoggedLoad(load.load_no, load.sha256, load.loaded_at, load.supersedes) for load in loaded.log.loads)
    return open_previous_run(
        new.published, new.folder.database, project.models, loads, options.as_of, options.personal_data
    )


def _write_sources(
    connection: duckdb.DuckDBPyConnection, new: NewRun, loaded: Loaded, models: tuple[Model, ...]
) -> tuple[str, ...]:
    """Create the raw views and the definition tables. Returns warnings."""
    options = new.options
    if not options.select:
        requirements.require_named(connection, options, loaded.log)
    warnings = create_raw_views(connection, options.configuration, options.log_folder, options.pseudonyms)
    if not options.select:
        sources = requirements.dimension_sources(options.configuration, loaded.log.loads)
        first = first_entry(connection, options.configuration.waterfall, options.as_of)
        write_definition(connection, definition_tables(options.configuration, options.as_of, sources, first, models))
    return warnings


def _tables(connection: duckdb.DuckDBPyConnection) -> frozenset[TableName]:
    rows = connection.execute(
        "select table_schema, table_name from information_schema.tables where table_catalog = current_database()"
    ).fetchall()
    return frozenset(TableName(schema, name) for schema, name in rows)
