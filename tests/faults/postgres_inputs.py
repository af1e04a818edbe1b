"""Inputs that read a Postgres of the tests."""

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


def inbox_of(folder: Path, asked: Database | None = None, table: Any = "stage_entries", **settings: Any) -> Inbox:
    """An inbox with one input, which reads the database."""
    given = Input("warehouse", table, folder, database=asked or source(), **settings)
    return Inbox(folder, (given,))


def again(inbox: Inbox, asked: Database, **settings: Any) -> None:
    """From now on the input is read so."""
    inbox.inputs = (replace(inbox.inputs[0], database=asked, **settings),)


def loads(inbox: Inbox) -> tuple[Load, ...]:
    return loading.open_log(inbox.log_folder).loads


def refused(inbox: Inbox) -> RefusedFile:
    """The one refusal; nothing of the read is in the log, and another input is read all the same."""
    before = len(loads(inbox)) if inbox.log_folder.exists() else 0
    inbox.put("good.csv", HEADER + entry("G1"))
    inbox.reads("good.csv", name="good")
    outcome = inbox.land()
    assert (["good"], before + 1) == ([load.input for load in outcome.loads], len(loads(inbox)))
    (found,) = outcome.refused
    assert PASSWORD not in str(found)
    return found
