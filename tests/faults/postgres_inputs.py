"""Inputs that read the Postgres server of the tests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from delivery import HEADER, Inbox, entry

from pipeline.config.configuration import Database, Input
from pipeline.ingest.landing import loading
from pipeline.ingest.landing.landing_log import Load
from pipeline.ingest.landing.loading import RefusedFile
from tests.postgres_server import PASSWORD, VARIABLE

QUERY = "select * from stage_history"
TABLE = """
create table stage_history (lead_id text, stage text, entered_at timestamptz, updated_at timestamptz, owner text);
insert into stage_history values
 ('L1', 'MQL', '2026-01-05 14:00+00', '2026-01-05 14:00+00', 'dana'),
 ('L2', 'MQL', '2026-01-06 14:00+00', '2026-01-06 14:00+00', 'dana'),
 ('L2', 'SAL', '2026-01-07 14:00+00', '2026-01-07 14:00+00', null);
"""


def source(query: str = QUERY, **more: Any) -> Database:
    return Database("postgres", VARIABLE, query, **more)


def inbox_of(folder: Path, database: Database | None = None, table: Any = "stage_entries", **settings: Any) -> Inbox:
    """An inbox with one input that reads the database."""
    configured_input = Input("warehouse", table, folder, database=database or source(), **settings)
    return Inbox(folder, (configured_input,))


def set_database(inbox: Inbox, database: Database, **settings: Any) -> None:
    """Replace the database settings of the input."""
    inbox.inputs = (replace(inbox.inputs[0], database=database, **settings),)


def loads(inbox: Inbox) -> tuple[Load, ...]:
    return loading.open_log(inbox.log_folder).loads


def refused(inbox: Inbox) -> RefusedFile:
    """The one refused read; the log has nothing of it, and another input is loaded."""
    before = len(loads(inbox)) if inbox.log_folder.exists() else 0
    inbox.put("good.csv", HEADER + entry("G1"))
    inbox.reads("good.csv", name="good")
    outcome = inbox.land()
    assert (["good"], before + 1) == ([load.input for load in outcome.loads], len(loads(inbox)))
    (refusal,) = outcome.refused
    assert PASSWORD not in str(refusal)
    return refusal
