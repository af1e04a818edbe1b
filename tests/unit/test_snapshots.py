"""Snapshots: missing rows are counted and kept, and a file with too many missing rows is not loaded."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from delivery import CLOCK, HEADER, Inbox, entry, one_file

from pipeline.config.configuration import Guard
from pipeline.errors import InputError
from pipeline.ingest.landing import freshness, landing_log, loading


def leads(*numbers: int) -> str:
    return "lead_id,origin\n" + "".join(f"L{number},web\n" for number in numbers)


def snapshots(folder: Path, first: str, **settings: object) -> Inbox:
    inbox = Inbox(folder)
    inbox.put("leads.csv", first)
    return inbox.reads("leads.csv", "leads", name="leads", mode="snapshot", **settings)


def load_snapshot(inbox: Inbox, content: str, **arguments: object) -> loading.LoadResult:
    inbox.put("leads.csv", content)
    return inbox.land(**arguments)


def test_missing_and_lost_keys_are_counted(tmp_path: Path) -> None:
    """`missing` is compared with the whole log, `lost` with the previous snapshot."""
    inbox = snapshots(tmp_path, leads(*range(20)))
    (first,) = inbox.land().loads
    assert (0, 0, 0) == (first.missing, first.lost, first.lost_of)
    (second,) = load_snapshot(inbox, leads(*range(19)), allow_incomplete=True).loads
    assert (1, 1, 20) == (second.missing, second.lost, second.lost_of)
    (third,) = load_snapshot(inbox, leads(*range(1, 19), 30), allow_incomplete=True).loads
    assert (2, 1, 19) == (third.missing, third.lost, third.lost_of)
    (back,) = load_snapshot(inbox, leads(*range(20), 30)).loads
    assert (0, 0, 19) == (back.missing, back.lost, back.lost_of)
    assert [(21,)] == inbox.rows("select count(distinct lead_id) from raw.leads")
    files = sorted(path.parent.name[:6] for path in inbox.log_folder.rglob("missing.parquet"))
    assert ["000002", "000003"] == files


def test_the_missing_keys_are_sealed_too(tmp_path: Path) -> None:
    """A changed byte of their file stops the next run, as in any file of the log."""
    inbox = snapshots(tmp_path, leads(*range(20)))
    inbox.land()
    (load,) = load_snapshot(inbox, leads(*range(19)), allow_incomplete=True).loads
    log = loading.open_log(inbox.log_folder)
    names = ("rows.parquet", "rejected.parquet", "missing.parquet")
    assert {name: landing_log.sha256_of(log.file(load, name)) for name in names} == load.sums
    assert load == log.loads[-1]
    path = log.file(load, "missing.parquet")
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(InputError, match="its content changed"):
        loading.verify(log)


def test_a_row_of_history_is_identified_by_lead_stage_and_time(tmp_path: Path) -> None:
    """A row with another owner is not lost, a row with another time is."""
    inbox = one_file(tmp_path, HEADER + entry("L1") + entry("L2") + entry("L3"), mode="snapshot")
    inbox.land()
    inbox.put(
        "entries.csv", HEADER + entry("L1", owner="finn") + entry("L2", "mql") + entry("L3", entered_at="2026-01-06")
    )
    (load,) = inbox.land(allow_incomplete=True).loads
    assert (1, 1, 3) == (load.missing, load.lost, load.lost_of)
    zone = freshness.ZoneInfo("UTC")
    assert ("crm: the snapshot has lost 1 of the 3 rows of history of the one before; they are kept, not deleted",) == (
        freshness.newest_delivery_notes(inbox.inputs, loading.open_log(inbox.log_folder).loads, zone)
    )


def test_a_snapshot_that_lost_too_much_is_not_loaded_unless_accepted(tmp_path: Path) -> None:
    """Nothing of it is in the log, also after a dry run; the next run tests it again."""
    inbox = snapshots(tmp_path, leads(*range(20)), guard=Guard())
    inbox.land()
    messages = ("leads: the snapshot has lost 15 of the 20 leads of the one before; they are kept, not deleted",)
    before = sorted(inbox.log_folder.rglob("*"))
    for is_dry in (True, False, False):
        dropped = load_snapshot(inbox, leads(*range(5)), dry_run=is_dry)
        assert ((), messages, ()) == (dropped.loads, dropped.dropped, dropped.accepted)
        assert before == sorted(inbox.log_folder.rglob("*"))
    dry = inbox.land(dry_run=True, allow_incomplete=True)
    assert (messages, before) == (dry.accepted, sorted(inbox.log_folder.rglob("*")))
    accepted = inbox.land(allow_incomplete=True)
    assert ((), messages) == (accepted.dropped, accepted.accepted)
    assert (15, 15, 20) == (accepted.loads[0].missing, accepted.loads[0].lost, accepted.loads[0].lost_of)


def test_a_small_delivery_is_reported(tmp_path: Path) -> None:
    """It is too small for its weekday, or has no row."""
    inbox = one_file(tmp_path, HEADER, mode="append")
    for week in (3, 2, 1):
        inbox.put("entries.csv", HEADER + "".join(entry(f"L{week}-{number}") for number in range(10)))
        inbox.land(clock=CLOCK - timedelta(weeks=week))
    inbox.put("entries.csv", HEADER + entry("L9"))
    inbox.land(allow_incomplete=True)
    loads, zone = loading.open_log(inbox.log_folder).loads, freshness.ZoneInfo("UTC")
    assert ("crm: 1 row came, and 10 are usual on a Wednesday",) == freshness.newest_delivery_notes(
        inbox.inputs, loads, zone
    )
    alone = (replace(loads[0], rows_read=0, landed=0),)
    assert ("crm: the newest delivery has no row",) == freshness.newest_delivery_notes(inbox.inputs, alone, zone)
