"""The core job and a yardstick answer the same, and a difference would be seen. Polars and Spark do so in `make bench`."""

from __future__ import annotations

import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from benchmarks import answers, core, history, measure, nights, processes
from benchmarks.generate import HistorySpec
from benchmarks.yardsticks import facts, pandas_core, scan, sort
from pipeline.settings import Settings

SETTINGS = Settings("2GB", 2)
CHANGED = "create table t as from '{0}'; {1}; copy t to '{0}' (format parquet)"


@dataclass(frozen=True)
class Answered:
    """A history, and the answers of the core job."""

    history: history.History
    ours: Path
    spans: int
    models: dict[str, float]


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Answered:
    folder = tmp_path_factory.mktemp("bench")
    made = history.prepare(HistorySpec(5_000, seed=11), folder)
    history.load(made, SETTINGS)
    ours = folder / "ours"
    ours.mkdir()
    spans, models = core.run(made, SETTINGS, folder)
    core.answer(folder, ours)
    return Answered(made, ours, spans, models)


def test_pandas_answers_as_the_models_do(answered: Answered, tmp_path: Path) -> None:
    """Every cell of spans, cycles, conversion and time in stage (S1, S2, C1 to C6, K1, K3, T1)."""
    theirs = pandas_core.run(facts.read(answered.history.facts), tmp_path)
    assert theirs == answered.spans
    assert answers.differences(answered.ours, tmp_path) == {}
    assert answers.cells(tmp_path) > 10_000


@pytest.mark.parametrize(
    ("answer", "change", "rows"),
    [
        ("spans", "update t set spans = spans + 1 where rowid = 0", 1),
        ("cycles", "delete from t where rowid < 2", 2),
        ("conversion", "update t set lost = lost - 1, still_open = still_open + 1 where rowid = 3", 1),
        ("time_in_stage", "update t set median_days = null where rowid = 1", 1),
        ("time_in_stage", "update t set p90_days = p90_days * 1.00000001 + 1e-8 where rowid < 9", 9),
    ],
)
def test_a_cell_that_differs_is_seen(answered: Answered, tmp_path: Path, answer: str, change: str, rows: int) -> None:
    """A count one off, a row that is missing, days that are not there or a hundred-millionth too long."""
    for path in answered.ours.glob("*.parquet"):
        shutil.copyfile(path, tmp_path / path.name)
    duckdb.connect().execute(CHANGED.format(tmp_path / f"{answer}.parquet", change))
    assert answers.differences(answered.ours, tmp_path) == {answer: rows}


def test_the_core_job_builds_no_more_than_it_must(answered: Answered) -> None:
    """The published tables of the core job, what they read, and nothing of quality or report."""
    named = {each.removeprefix("+") for each in core.CORE_MODELS.split()}
    assert named <= set(answered.models)
    assert {each.split(".")[0] for each in answered.models} <= {"waterfall", "clean", "journey", "marts"}


def test_scan_and_sort_see_every_row(answered: Answered, tmp_path: Path) -> None:
    """Both are of all rows of the log."""
    told = facts.read(answered.history.facts)
    files = list(told.stage_entries)
    row = duckdb.execute("select count(*) from read_parquet($files)", {"files": files}).fetchone()
    for yardstick in (scan, sort):
        ready = yardstick.ready(told, tmp_path, "1GB", 1)
        assert (yardstick.run(told, tmp_path, ready),) == row
        yardstick.stop(ready)


def test_survivors_follow_chains() -> None:
    """A lead that was merged into a merged lead belongs to the last one (E3)."""
    assert facts.survivors([("a", "b"), ("b", "c"), ("x", "y")]) == {"a": "c", "b": "c", "x": "y"}


def test_a_process_is_watched(tmp_path: Path) -> None:
    """Memory, processor time and spill of a process and its children are seen while it runs."""
    code = (
        "import subprocess, sys, pathlib, time; held = b'x' * 200_000_000; "
        f"pathlib.Path({str(tmp_path)!r}, 'duckdb_temp_storage').write_bytes(b'x' * 1000); "
        "subprocess.run([sys.executable, '-c', 'import time; held = bytearray(100_000_000); time.sleep(0.5)'])"
    )
    watched = measure.command([sys.executable, "-c", code], tmp_path, limit=30)
    assert watched.peak_bytes >= 200_000_000
    assert watched.spill_bytes == 1000
    assert 0 < watched.cpu_seconds
    assert 0.5 < watched.seconds < 10
    assert not watched.is_stopped


def test_a_process_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    """It and what it started; what was measured counts as a lower bound."""
    started = time.monotonic()
    watched = measure.command([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path, limit=0.3)
    assert watched.is_stopped
    assert time.monotonic() - started < 20


def test_a_process_that_fails_says_so(tmp_path: Path) -> None:
    """The end of what it said is in the error."""
    with pytest.raises(measure.JobFailedError, match="not this time"):
        measure.command([sys.executable, "-c", "raise SystemExit('not this time')"], tmp_path, limit=30)


def test_processor_time_of_this_process() -> None:
    """Work is seen in ticks, and this process in its own tree."""
    before = processes.ticks(os.getpid())
    deadline = time.process_time() + 0.2
    while time.process_time() < deadline:
        pass
    assert processes.ticks(os.getpid()) - before >= 15
    assert os.getpid() in processes.tree(os.getpid())


def test_files_are_compared_table_by_table(tmp_path: Path) -> None:
    """Rows that differ and tables that only one has are named; copies without holes are not bigger."""
    for name, value in (("one", 1), ("other", 2)):
        connection = duckdb.connect(str(tmp_path / name))
        connection.execute("create schema marts; create table marts.same as from range(100000)")
        connection.execute(f"create table marts.moved as select {value} as v; create table marts.{name} as select 1")
        connection.close()
    compared, different = nights._compare_tables(tmp_path / "one", tmp_path / "other")
    assert (compared, different) == (2, ["marts.one", "marts.other", "marts.moved"])
    assert nights._compacted_bytes(tmp_path / "one", tmp_path / "copy") <= (tmp_path / "one").stat().st_size
