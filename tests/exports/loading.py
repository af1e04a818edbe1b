"""A configuration and its files, landed and built as far as a question needs; no report, no published folder."""

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
    """What landing said, and a database with the tables that were asked for."""

    outcome: loading.LoadResult
    connection: duckdb.DuckDBPyConnection

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self.connection.execute(sql).fetchall()

    @property
    def account(self) -> dict[str, tuple[int, int, int, int]]:
        """(rows read, filtered, rejected, landed) of each input that has a load."""
        found: dict[str, tuple[int, int, int, int]] = {}
        for load in self.outcome.loads:
            counts = (load.rows_read, load.filtered, load.rejected_rows, load.landed)
            held = found.get(load.input, (0, 0, 0, 0))
            found[load.input] = tuple(map(sum, zip(held, counts, strict=True)))  # type: ignore[assignment]
        return found


def loaded(toml: Path, folder: Path, select: str = "+clean.stage_entries") -> Loaded:
    """Read the inputs of the configuration into a log in `folder`, and build what `select` names."""
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
    write_definition(connection, definition_tables(configuration, as_of, sources, first))
    given = frozenset(
        TableName(schema, name)
        for schema, name in connection.execute(
            "select table_schema, table_name from information_schema.tables"
        ).fetchall()
    )
    ordered = graph.in_order(project().models, given)
    build(connection, graph.select(ordered, select), None)
    return Loaded(outcome, connection)
