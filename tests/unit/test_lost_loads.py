"""What lies in the landing log without a manifest: left by a killed run, lost, or somebody else's."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from delivery import HEADER, Inbox, entry

from pipeline.errors import InputError
from pipeline.ingest.landing import loading


def three_days(tmp_path: Path) -> Inbox:
    """Three files of one lead each, in the log as loads 1 to 3."""
    inbox = Inbox(tmp_path).reads("*.csv")
    for number, name in enumerate(("a.csv", "b.csv", "c.csv")):
        inbox.put(name, HEADER + entry(f"L{number}"))
    assert [1, 2, 3] == [load.load_no for load in inbox.land().loads]
    return inbox


def test_a_load_that_lost_its_manifest_is_no_left_over(tmp_path: Path) -> None:
    """A later load is real, so this one was: it stays and stops the run. The last one could be what a killed run left."""
    inbox = three_days(tmp_path)
    first, _, last = loading.open_log(inbox.log_folder).loads
    for load in (first, last):
        (inbox.log_folder / load.folder / "manifest.json").unlink()
    assert (last.folder,) == loading.remove_leftovers(inbox.log_folder)
    with pytest.raises(InputError, match="a load has lost its manifest") as stopped:
        loading.verify(loading.open_log(inbox.log_folder))
    assert str(inbox.log_folder / first.folder) == stopped.value.where
    assert (inbox.log_folder / first.folder / "rows.parquet").exists()


def test_what_a_killed_run_left_is_no_damage(tmp_path: Path) -> None:
    """`funnel check` sweeps nothing, and finds it; unless the published run counted that load."""
    inbox = three_days(tmp_path)
    last = loading.open_log(inbox.log_folder).loads[-1]
    (inbox.log_folder / last.folder / "manifest.json").unlink()
    log = loading.open_log(inbox.log_folder)
    loading.verify(log)
    with pytest.raises(InputError, match="a load has lost its manifest"):
        loading.verify(log, frozenset({last.folder}))
    assert () == loading.remove_leftovers(inbox.log_folder, frozenset({last.folder}))
    assert (last.folder,) == loading.remove_leftovers(inbox.log_folder)


def test_a_folder_of_somebody_else_in_the_log_stays(tmp_path: Path) -> None:
    """Neither read, although a copy has a manifest, nor swept."""
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
