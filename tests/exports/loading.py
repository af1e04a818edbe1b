"""Loads the files of a configuration and builds selected models, without a report or a published folder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from pipeline.config.load import load_configuration
from pipeline.database.connection import connect
from pipeline.ingest.landing import loading
from pipeline.ingest.raw_tables import create_raw_views
from pipeline.run import requirements
from pipeline.settings import Settings
from pipeline.transform import graph
from pipeline.transform.build import build, write_definition
from pipeline.transform.definition.first_entry import first_entry
from pipeline.transform.definition.tables import definition_tables
from pipeline.transform.project import TableName
from tests.sql.harness import project

DATA = Path(__file__).resolve().parent / "data"
CLOCK = datetime(2026, 10, 1, 3, 0, tzinfo=UTC)
ENTRIES = "select lead_id, stage, strftime(entered_at, '%m-%d %H:%M') as at from clean.stage_entries order by lead_no, entry_no"


@dataclass(frozen=True)
class Loaded:
    """The result of loading, and a database with the selected tables."""

    outcome: loading.LoadResult
    connection: duckdb.DuckDBPyConnection

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self.connection.execute(sql).fetchall()

    @property
    def account(self) -> dict[str, tuple[int, int, int, int]]:
        """(rows read, filtered, rejected, loaded) of each input that has a load."""
        counts_by_input: dict[str, tuple[int, int, int, int]] = {}
        for load in self.outcome.loads:
            counts = (load.rows_read, load.filtered, load.rejected_rows, load.landed)
            previous = counts_by_input.get(load.input, (0, 0, 0, 0))
            counts_by_input[load.input] = tuple(map(sum, zip(previous, counts, strict=True)))  # type: ignore[assignment]
        return counts_by_input


def loaded(toml: Path, folder: Path, select: str = "+clean.stage_entries") -> Loaded:
    """Load the inputs of the configuration into a log in `folder`, and build the models of `select`."""
    configuration = load_configuration(toml, output=folder)
    as_of = configuration.waterfall.as_of or CLOCK
    settings = Settings(memory_limit="1GB", threads=1)
    reader = connect(None, settings, reads_files=True)
    outcome = loading.load_inputs(reader, configuration, folder / "landing", clock=CLOCK, as_of=as_of)
    reader.close()
    connection = connect(None, settings, reads_files=True)
    create_raw_views(connection, configuration, folder / "landing")
    loads = loading.open_log(folder / "landing").loads
    sources = requirements.dimension_sources(configuration, loads)
    first = first_entry(connection, configuration.waterfall, as_of)
    write_definition(connection, definition_tables(configuration, as_of, sources, first, project().models))
    tables = frozenset(
        TableName(schema, name)
        for schema, name in connection.execute(
            "select table_schema, table_name from information_schema.tables"
        ).fetchall()
    )
    ordered = graph.in_order(project().models, tables)
    build(connection, graph.select(ordered, select), None)
    return Loaded(outcome, connection)
