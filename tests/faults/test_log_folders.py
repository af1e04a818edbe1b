"""docs/FAULTS.md, 106, 113 and 114: names that are not UTF-8, copied or renamed folders of the log, wrong clocks."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from delivery import HEADER, Inbox, entry, one_file

from pipeline.errors import InputError
from pipeline.ingest.landing import loading
from pipeline.publish import lock, run_folder

CLOCK = datetime(2026, 4, 1, 3, 59, 59, tzinfo=UTC)


def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    """F106: Message and manifest have a printable form of the name; the other file of the input is read."""
    inbox = Inbox(tmp_path).reads("*.csv")
    inbox.put("a.csv", HEADER + entry("L1"))
    name = os.fsencode(tmp_path) + b"/caf\xe9.csv"
    Path(os.fsdecode(name)).write_text(HEADER + entry("L2"), "utf-8")
    result = inbox.land()
    assert ["L1"] == inbox.leads()
    (refused,) = result.refused
    assert (f"{tmp_path}/caf\\xe9.csv", "its name is not UTF-8", "rename it") == (
        refused.file,
        refused.reason,
        refused.next_step,
    )


def published(folder: Path, days: int) -> str:
    """Publish a run with a clock that is `days` days off. Returns its id."""
    clock = CLOCK + timedelta(days=days)
    with lock.hold(folder, clock):
        run = run_folder.start_run(folder, clock)
        run.database.write_text(str(days))
        run_folder.seal(run)
        run_folder.swap(run)
        run_folder.prune(folder, keep=3)
    return run.id


def run_ids(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "runs").iterdir())


def test_runs_are_pruned_by_the_order_of_publishing(tmp_path: Path) -> None:
    """F113: A run dated a year ahead by a wrong clock is pruned in its order, not last."""
    first, future, *later = (published(tmp_path, days) for days in (0, 365, 1, 2))
    assert sorted([future, *later]) == run_ids(tmp_path)
    assert first not in run_ids(tmp_path)
    later.append(published(tmp_path, 3))
    assert sorted(later) == run_ids(tmp_path)
    later.append(published(tmp_path, -400))
    assert sorted(later[1:]) == run_ids(tmp_path)
    assert str(-400) == (tmp_path / "funnel.duckdb").read_text()


def test_runs_without_a_known_order_are_pruned_by_name(tmp_path: Path) -> None:
    """F113: They are pruned before runs with a known order; so is a run that was never published."""
    ids = [published(tmp_path, days) for days in (5, 6, 7)]
    for run_id in ids[:2]:
        folder = tmp_path / "runs" / run_id
        (folder / "previous").unlink(missing_ok=True)  # the first has none
    last = published(tmp_path, 1)
    assert sorted([ids[1], ids[2], last]) == run_ids(tmp_path)


def log_error(inbox: Inbox) -> InputError:
    with pytest.raises(InputError) as stopped:
        loading.open_log(inbox.log_folder)
    return stopped.value


def test_a_copied_load_stops_the_run(tmp_path: Path) -> None:
    """F114: Its rows would count twice; the message has the copy, and moving it away is enough."""
    inbox = one_file(tmp_path, HEADER + entry("L1"))
    (load,) = inbox.land().loads
    own = inbox.log_folder / load.folder
    for copy in (own.with_name("000009-aaaaaaaaaaaa"), inbox.log_folder / "other" / own.name):
        shutil.copytree(own, copy)
        stopped = log_error(inbox)
        assert (str(copy), f"move it out of {inbox.log_folder}") == (stopped.where, stopped.next_step)
        assert f"the landing log is damaged: this folder is a copy of {load.folder}" == stopped.what
        shutil.rmtree(copy)
    assert ["L1"] == inbox.leads()


def test_a_renamed_load_stops_the_run(tmp_path: Path) -> None:
    """F114: The message has its old name."""
    inbox = one_file(tmp_path, HEADER + entry("L1"))
    (load,) = inbox.land().loads
    own = inbox.log_folder / load.folder
    other = own.rename(own.with_name("000009-aaaaaaaaaaaa"))
    stopped = log_error(inbox)
    assert (str(other), f"rename it back to {own}") == (stopped.where, stopped.next_step)
    other.rename(own)
    assert ["L1"] == inbox.leads()


@pytest.mark.parametrize("content", ["", "{}", "null", "[]"])
def test_an_emptied_manifest_of_a_load_stops_the_run(tmp_path: Path, content: str) -> None:
    """F114: The message has its path, and no row of the load is skipped."""
    inbox = one_file(tmp_path, HEADER + entry("L1"))
    (load,) = inbox.land().loads
    manifest = inbox.log_folder / load.folder / "manifest.json"
    manifest.write_text(content, "utf-8")
    assert str(manifest) == log_error(inbox).where
