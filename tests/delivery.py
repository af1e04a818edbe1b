"""Helpers for tests of reading: write files into an inbox, load them, and query raw.*."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from pipeline.config.configuration import Configuration, Input
from pipeline.database.connection import connect
from pipeline.ingest.landing import loading
from pipeline.ingest.raw_tables import create_raw_views
from pipeline.settings import Settings
from pipeline.waterfall.definition import Stage, Waterfall
from tests.logged import logged

CLOCK = datetime(2026, 4, 1, 6, 0, tzinfo=UTC)
HEADER = "lead_id,stage,entered_at,owner\n"

STAGES = (
    Stage("mql", "MQL", "Marketing qualified", "Ready.", "path", 1),
    Stage("sal", "SAL", "Sales accepted", "Taken.", "path", 2, aliases=("Accepted lead",)),
)


@dataclass
class Inbox:
    """A folder of exports with a configuration and a landing log."""

    folder: Path
    inputs: tuple[Input, ...] = ()
    dimensions: tuple[str, ...] = ()
    timezone: str = "UTC"
    log_lines: list[str] = field(default_factory=list)

    @property
    def log_folder(self) -> Path:
        return self.folder / "landing"

    @property
    def configuration(self) -> Configuration:
        waterfall = Waterfall("Test", self.timezone, STAGES, dimensions=self.dimensions)
        return Configuration(self.folder / "funnel.toml", waterfall, self.inputs, self.folder / "build")

    def put(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def reads(self, pattern: str, table: Any = "stage_entries", name: str = "crm", **settings: Any) -> Inbox:
        self.inputs = (*self.inputs, Input(name, table, self.folder / pattern, **settings))
        return self

    def land(self, memory: str = "1GB", **arguments: Any) -> loading.LoadResult:
        connection = connection_of_a_run(memory)
        arguments = {"clock": CLOCK, "as_of": CLOCK, "accept_rejects": True} | arguments
        with logged() as lines:
            result = loading.load_inputs(connection, self.configuration, self.log_folder, **arguments)
        self.log_lines += lines
        return result

    def raw_views(self) -> duckdb.DuckDBPyConnection:
        connection = connection_of_a_run()
        create_raw_views(connection, self.configuration, self.log_folder)
        return connection

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.raw_views().execute(query).fetchall()

    def leads(self) -> list[str]:
        return [row[0] for row in self.rows("select lead_id from raw.stage_entries order by load_no, row_number")]

    def rejected(self) -> list[tuple[Any, ...]]:
        return self.rows("select row_number, reason, original from raw.rejected_rows order by load_no, row_number")


def connection_of_a_run(memory: str = "1GB") -> duckdb.DuckDBPyConnection:
    return connect(None, Settings(memory, 2), reads_files=True)


def one_file(folder: Path, content: str | bytes, name: str = "entries.csv", **settings: Any) -> Inbox:
    """An inbox with one file of stage entries."""
    inbox = Inbox(folder)
    inbox.put(name, content)
    return inbox.reads(name, **settings)


def entry(lead: str, stage: str = "MQL", entered_at: str = "2026-01-05T14:00:00Z", owner: str = "dana") -> str:
    return f"{lead},{stage},{entered_at},{owner}\n"


def refusal(inbox: Inbox) -> str:
    """The one refused file of the inbox; another input is loaded, and the log has nothing of the refused file."""
    inbox.put("zz_good.csv", HEADER + entry("G1"))
    inbox.reads("zz_good.csv", name="good")
    result = inbox.land()
    assert [("good", 1)] == [(load.input, load.landed) for load in result.loads]
    assert ["G1"] == inbox.leads()
    (refused,) = result.refused
    return f"{refused.reason} | {refused.next_step}"
