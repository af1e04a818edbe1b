"""Folders of the landing log without a manifest: of a killed run, lost, or foreign."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from delivery import HEADER, Inbox, entry

from pipeline.errors import InputError
from pipeline.ingest.landing import loading


def three_days(tmp_path: Path) -> Inbox:
    """An inbox with three files of one lead each, loaded as 1 to 3."""
    inbox = Inbox(tmp_path).reads("*.csv")
    for number, name in enumerate(("a.csv", "b.csv", "c.csv")):
        inbox.put(name, HEADER + entry(f"L{number}"))
    assert [1, 2, 3] == [load.load_no for load in inbox.land().loads]
    return inbox


def test_a_load_that_lost_its_manifest_stops_the_run(tmp_path: Path) -> None:
    """It is a real load if a later one is. The last one could be a leftover of a killed run."""
    inbox = three_days(tmp_path)
    first, _, last = loading.open_log(inbox.log_folder).loads
    for load in (first, last):
        (inbox.log_folder / load.folder / "manifest.json").unlink()
    assert (last.folder,) == loading.remove_leftovers(inbox.log_folder)
    with pytest.raises(InputError, match="a load has lost its manifest") as stopped:
        loading.verify(loading.open_log(inbox.log_folder))
    assert str(inbox.log_folder / first.folder) == stopped.value.where
    assert (inbox.log_folder / first.folder / "rows.parquet").exists()


def test_a_leftover_of_a_killed_run_is_no_damage(tmp_path: Path) -> None:
    """`funnel check` keeps it and reports no damage, unless the published run counted that load."""
    inbox = three_days(tmp_path)
    last = loading.open_log(inbox.log_folder).loads[-1]
    (inbox.log_folder / last.folder / "manifest.json").unlink()
    log = loading.open_log(inbox.log_folder)
    loading.verify(log)
    with pytest.raises(InputError, match="a load has lost its manifest"):
        loading.verify(log, frozenset({last.folder}))
    assert () == loading.remove_leftovers(inbox.log_folder, frozenset({last.folder}))
    assert (last.folder,) == loading.remove_leftovers(inbox.log_folder)


def test_a_foreign_folder_in_the_log_stays(tmp_path: Path) -> None:
    """It is not read, even if a copy has a manifest, and not removed."""
    inbox = three_days(tmp_path)
    loads = loading.open_log(inbox.log_folder).loads
    own = inbox.log_folder / loads[0].folder
    copy = own.with_name(f"{own.name} (copy)")
    shutil.copytree(own, copy)
    (own.parent / "2026-backup").mkdir()
    assert loads == loading.open_log(inbox.log_folder).loads
    assert () == loading.remove_leftovers(inbox.log_folder)
    loading.verify(loading.open_log(inbox.log_folder))
    assert copy.exists()
    assert (own.parent / "2026-backup").exists()
