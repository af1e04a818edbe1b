"""Files that are the whole: what they lack is counted and kept, and too great a loss keeps the file out of the log."""

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


def delivered(inbox: Inbox, content: str, **arguments: object) -> loading.LoadResult:
    inbox.put("leads.csv", content)
    return inbox.land(**arguments)


def test_what_each_snapshot_lacks_and_lost(tmp_path: Path) -> None:
    """`missing` of all that the log knows; `lost` of what the snapshot before still had."""
    inbox = snapshots(tmp_path, leads(*range(20)))
    (first,) = inbox.land().loads
    assert (0, 0, 0) == (first.missing, first.lost, first.lost_of)
    (second,) = delivered(inbox, leads(*range(19)), allow_incomplete=True).loads
    assert (1, 1, 20) == (second.missing, second.lost, second.lost_of)
    (third,) = delivered(inbox, leads(*range(1, 19), 30), allow_incomplete=True).loads
    assert (2, 1, 19) == (third.missing, third.lost, third.lost_of)
    (back,) = delivered(inbox, leads(*range(20), 30)).loads
    assert (0, 0, 19) == (back.missing, back.lost, back.lost_of)
    assert [(21,)] == inbox.rows("select count(distinct lead_id) from raw.leads")
    files = sorted(path.parent.name[:6] for path in inbox.log_folder.rglob("missing.parquet"))
    assert ["000002", "000003"] == files


def test_what_a_snapshot_lacks_is_sealed_too(tmp_path: Path) -> None:
    """A changed byte of it stops the next run, as in any file of the log."""
    inbox = snapshots(tmp_path, leads(*range(20)))
    inbox.land()
    (load,) = delivered(inbox, leads(*range(19)), allow_incomplete=True).loads
    log = loading.open_log(inbox.log_folder)
    names = ("rows.parquet", "rejected.parquet", "missing.parquet")
    assert {name: landing_log.sha256_of(log.file(load, name)) for name in names} == load.sums
    assert load == log.loads[-1]
    path = log.file(load, "missing.parquet")
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(InputError, match="its content changed"):
        loading.verify(log)


def test_rows_of_history_are_known_by_lead_stage_and_time(tmp_path: Path) -> None:
    """Another owner is no loss, another time is."""
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


def test_a_snapshot_that_lost_too_much_is_not_kept_unless_accepted(tmp_path: Path) -> None:
    """Nothing of it is in the log, in a dry run neither; the next run judges it again."""
    inbox = snapshots(tmp_path, leads(*range(20)), guard=Guard())
    inbox.land()
    told = ("leads: the snapshot has lost 15 of the 20 leads of the one before; they are kept, not deleted",)
    before = sorted(inbox.log_folder.rglob("*"))
    for is_dry in (True, False, False):
        dropped = delivered(inbox, leads(*range(5)), dry_run=is_dry)
        assert ((), told, ()) == (dropped.loads, dropped.dropped, dropped.accepted)
        assert before == sorted(inbox.log_folder.rglob("*"))
    dry = inbox.land(dry_run=True, allow_incomplete=True)
    assert (told, before) == (dry.accepted, sorted(inbox.log_folder.rglob("*")))
    accepted = inbox.land(allow_incomplete=True)
    assert ((), told) == (accepted.dropped, accepted.accepted)
    assert (15, 15, 20) == (accepted.loads[0].missing, accepted.loads[0].lost, accepted.loads[0].lost_of)


def test_the_standing_of_a_small_delivery_is_reported(tmp_path: Path) -> None:
    """Too small for its weekday, or without any row."""
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
