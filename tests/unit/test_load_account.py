"""Every field of a load; the counts of the report start from these."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pytest
from delivery import CLOCK, HEADER, Inbox, entry, one_file

from pipeline.config.configuration import Input
from pipeline.errors import InputError
from pipeline.ingest.landing import known_loads, loading
from tests.logged import events

ODD = (
    "\n"
    "lead_id,stage,entered_at,owner,Note\n"
    "L1,mql,2025-11-02 01:30:00,dana,twice that night\n"
    'L2,sAl,2025-03-09 02:30:00,"Doe,\nDana",never that night\n'
    "\n"
    "L2,SAL,2025-03-10 09:00:00,dana,\n"
    "L2,SAL,2025-03-10 09:00:00,dana,\n"
    "L3,nobody knows,2025-03-10 09:00:00,dana,\n"
    "L4,accepted  LEAD,2025-03-10 09:00:00,dana,\n"
    "cut\n"
    ",MQL,2025-03-10,dana,\n"
)
NEXT = (
    "lead_id,stage,entered_at,owner,Note,Region\n"
    "L1,mql,2025-11-02 01:30:00,dana,twice that night,\n"
    "L5,Mql,2025-03-11 09:00:00,dana,,east\n"
)


def test_every_field_of_a_load_is_right(tmp_path: Path) -> None:
    """A file with blank lines, line ends in quotes, bad rows and unusual times, then one that overlaps it.

    The models classify a repeated row and a row of an unknown stage.
    """
    inbox = one_file(tmp_path, ODD, "a.csv", timezone="America/New_York")
    (first,) = inbox.land().loads
    assert {
        "input": "crm",
        "table": "stage_entries",
        "load_no": 1,
        "file_name": "a.csv",
        "sha256": hashlib.sha256(ODD.encode()).hexdigest(),
        "size": len(ODD.encode()),
        "loaded_at": CLOCK.replace(tzinfo=None),
        "reading": known_loads.reading_settings(inbox.inputs[0]),
        "header": ("lead_id", "stage", "entered_at", "owner", "Note"),
        "columns": {"lead_id": "lead_id", "stage": "stage", "entered_at": "entered_at", "owner": "owner"},
        "extras": {"note": "Note"},
        "lines": 12,
        "header_lines": 1,
        "blank_lines": 2,
        "embedded_newlines": 1,
        "rows_read": 8,
        "rejected": {"too_few_fields": 1, "no_lead": 1},
        "redelivered": 0,
        "duplicates": 0,
        "landed": 6,
        "gaps": 1,
        "overlaps": 1,
        "supersedes": (),
        "rejected_later": {"unknown_stage": 1},
        "missing": None,
        "lost": 0,
        "lost_of": 0,
        "cursor_after": None,
        "cursor": None,
        "filtered": 0,
        "records": None,
        "time_formats": {},
        "version": 2,
    } == {name: value for name, value in asdict(first).items() if name not in ("sums", "warnings")}
    assert (
        "read line by line, since DuckDB's reader could not account for every line (line ends inside quotes)",
        "2 rows spell a stage differently from the waterfall; matched anyway",
        '1 row names a stage that the waterfall does not know: "nobody knows" (1)\n'
        '    aliases = ["nobody knows"]   # beside those of the stage that is meant\n'
        "  or, where the source has deleted the stage: this block ends the stay before it, and the cycle goes on\n"
        '    [[stages]]\n    key = "former_stage"\n    definition = "A stage that the source no longer has."\n'
        '    kind = "hold"\n    aliases = ["nobody knows"]',
        "rejected rows: 1 no_lead, 1 too_few_fields",
    ) == first.warnings

    inbox.put("a.csv", NEXT)
    (second,) = inbox.land().loads
    assert (2, 2, 1, 0, 1) == (second.load_no, second.rows_read, second.redelivered, second.duplicates, second.landed)
    assert {"note": "Note", "region": "Region"} == second.extras
    assert (
        "new columns, kept as they are: region",
        "1 row spells a stage differently from the waterfall; matched anyway",
    ) == second.warnings


def test_a_load_is_dated_in_utc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the run may have any offset."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    clock = CLOCK.astimezone(timezone(timedelta(hours=-7)))
    (load,) = one_file(tmp_path, HEADER + entry("L1")).land(clock=clock, as_of=clock).loads
    monkeypatch.undo()
    time.tzset()
    assert CLOCK.replace(tzinfo=None) == load.loaded_at


def test_each_message_about_a_file_is_an_event_with_its_counts(tmp_path: Path) -> None:
    """The event has one sentence and the counts of the load."""
    inbox = one_file(tmp_path, HEADER + entry("L1") + entry("L2"), "a.csv")
    with events() as logged_events:
        (load,) = inbox.land().loads
        assert (str(tmp_path / "a.csv"),) == inbox.land().already_loaded
    assert [
        ("load", "crm: a.csv: 2 rows, 2 new, 0 redelivered, 0 duplicates, 0 rejected", load.counts),
        ("known", "crm: a.csv is known as load 1, 0 new rows", {"input": "crm", "file": "a.csv", "load_no": 1}),
    ] == logged_events


@pytest.mark.parametrize("removed_key", ["sums", "seal"])
def test_a_manifest_without_its_checksums_or_seal_is_refused(tmp_path: Path, removed_key: str) -> None:
    """A manifest without both is of an earlier version; one with only one of them was changed."""
    inbox = one_file(tmp_path, HEADER + entry("L1"))
    (load,) = inbox.land().loads
    path = inbox.log_folder / load.folder / "manifest.json"
    content = json.loads(path.read_text("utf-8"))
    del content[removed_key]
    path.write_text(json.dumps(content), "utf-8")
    with pytest.raises(InputError, match="the manifest of a load can't be read") as refused:
        loading.open_log(inbox.log_folder)
    assert str(path) == refused.value.where


def test_every_row_of_a_keyed_file_is_accounted_for(tmp_path: Path) -> None:
    """New, unchanged and repeated rows are each counted once."""
    inbox = Inbox(tmp_path).reads("leads.csv", "leads", name="leads")
    inbox.put("leads.csv", "lead_id,origin\nL1,web\nL2,web\nL2,web\n,web\n")
    (first,) = inbox.land().loads
    inbox.put("leads.csv", "lead_id,origin\nL1,web\nL2,event\nL3,web\nL3,web\nL3,web\n,web\n")
    (second,) = inbox.land().loads
    assert [(4, 1, 0, 1, 2), (6, 1, 1, 2, 2)] == [
        (load.rows_read, load.rejected_rows, load.redelivered, load.duplicates, load.landed) for load in (first, second)
    ]


def test_a_parquet_file_has_no_lines(tmp_path: Path) -> None:
    """Only rows are counted."""
    query = "select 'L' || range as lead_id, 'MQL' as stage, timestamp '2026-01-05' as entered_at from range(3)"
    duckdb.execute(f"copy ({query}) to '{tmp_path / 'a.parquet'}' (format parquet)")
    (load,) = Inbox(tmp_path).reads("a.parquet").land().loads
    assert (None, None, 0, 0, 3, 3) == (
        load.lines,
        load.header_lines,
        load.blank_lines,
        load.embedded_newlines,
        load.rows_read,
        load.landed,
    )


def test_the_settings_of_an_input_that_change_its_rows_give_a_new_load(tmp_path: Path) -> None:
    """A file that is read with other settings is a new load; with another path or name it is already loaded."""
    reads = Input(
        "crm",
        "stage_entries",
        tmp_path / "*.csv",
        columns={"owner": "Rep", "lead_id": "Id"},
        timezone="Europe/Berlin",
        time_format="%d.%m.%Y",
        encoding="latin-1",
        delimiter=";",
        null_values=("NULL", "-"),
        skip_lines=2,
    )
    assert {
        "columns": {"lead_id": "Id", "owner": "Rep"},
        "timezone": "Europe/Berlin",
        "time_format": "%d.%m.%Y",
        "encoding": "latin-1",
        "delimiter": ";",
        "null_values": ["NULL", "-"],
        "skip_lines": 2,
        "table": "stage_entries",
    } == known_loads.reading_settings(reads)


def test_a_repeated_load_with_other_settings_replaces_the_first(tmp_path: Path) -> None:
    """It replaces only the load of that file and input, and the old settings replace it in turn."""
    inbox = Inbox(tmp_path)
    for name in ("a", "b"):
        inbox.put(f"{name}.csv", HEADER + entry(f"L-{name}", entered_at="2026-01-05 12:00:00"))
    inbox.put("other.csv", HEADER + entry("L-a", entered_at="2026-01-05 12:00:00"))
    inbox.reads("[ab].csv").reads("other.csv", name="other").land()
    again = Inbox(tmp_path).reads("[ab].csv", timezone="Europe/Berlin").reads("other.csv", name="other")
    assert [("a.csv", (1,)), ("b.csv", (2,))] == [(load.file_name, load.supersedes) for load in again.land().loads]
    at = again.rows("select lead_id, input, entered_at from raw.stage_entries order by all")
    assert [
        ("L-a", "crm", datetime(2026, 1, 5, 11)),
        ("L-a", "other", datetime(2026, 1, 5, 12)),
        ("L-b", "crm", datetime(2026, 1, 5, 11)),
    ] == at
    back = Inbox(tmp_path).reads("[ab].csv").reads("other.csv", name="other")
    assert [("a.csv", (4,)), ("b.csv", (5,))] == [(load.file_name, load.supersedes) for load in back.land().loads]
