"""Queries that exceed the memory spill into the folder of the run, which only its owner can read."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.database.connection import connect
from pipeline.publish import lock, run_folder
from pipeline.run import building, loading
from pipeline.settings import Settings
from tests import runs

LARGE = (
    "create table large as select range as number, repeat('x', 100) as text from range(1500000) order by hash(range)"
)


def test_a_query_that_does_not_fit_spills_into_the_folder_of_the_run(tmp_path: Path) -> None:
    """During the query its files are only in that folder; the sealed run has none of them."""
    spilled_files: set[Path] = set()
    done = threading.Event()

    def record_files() -> None:
        while not done.is_set():
            spilled_files.update(path for path in tmp_path.rglob("*.tmp") if path.is_file())
            time.sleep(0.002)

    with lock.hold(tmp_path, runs.CLOCK):
        run = run_folder.start_run(tmp_path, runs.CLOCK)
        connection = connect(run.database, Settings(memory_limit="60MB", threads=1), spill=run.spill)
        recorder = threading.Thread(target=record_files)
        recorder.start()
        connection.execute(LARGE)
        done.set()
        recorder.join()
        connection.execute("checkpoint")
        connection.close()
        assert {run.spill} == {path.parent for path in spilled_files}
        assert 0o700 == run.building.stat().st_mode & 0o777
        sealed = run_folder.seal(run)
    assert ["funnel.duckdb", "reports"] == sorted(path.name for path in sealed.iterdir())
    assert [] == list(tmp_path.rglob("*.tmp"))


def test_a_run_spills_into_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading and building spill there, and the published run has no such folder."""
    spill_folders = []

    def spy(*arguments: Any, **named: Any) -> duckdb.DuckDBPyConnection:
        connection = connect(*arguments, **named)
        spill_folders.append(Path(connection.execute("select current_setting('temp_directory')").fetchall()[0][0]))
        return connection

    for step in (loading, building):
        monkeypatch.setattr(step, "connect", spy)
    published = runs.run(runs.QUARTER, tmp_path, as_of=runs.QUARTER_AS_OF)
    assert [tmp_path / "runs" / f"{published.run_id}.building" / "spill"] * 2 == spill_folders
    assert [published.run_id] == [path.name for path in (tmp_path / "runs").iterdir()]
    assert not (tmp_path / "runs" / published.run_id / "spill").exists()
