"""The core job and pandas give equal results, and a difference is found. `make bench` compares Polars and Spark."""

from __future__ import annotations

import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from benchmarks import answers, core, history, measure, nights, processes, same_answers
from benchmarks.generate import HistorySpec
from benchmarks.yardsticks import facts, pandas_core, scan, sort
from pipeline.settings import Settings

SETTINGS = Settings("2GB", 2)
SOME_RESTORED = """
copy (
    select lead_id, quantile_disc(entered_at, 0.4) as deleted_at
    from '{exports}/stage_entries/*.parquet' where lead_id is not null
    group by lead_id having count(*) > 1 and hash(lead_id) % 5 = 0
) to '{exports}/deletions/restored.parquet' (format parquet)
"""
"""Deletes a fifth of the leads before some of their moves. Generated histories of this size have few such leads."""
CHANGED = "create table t as from '{0}'; {1}; copy t to '{0}' (format parquet)"


@dataclass(frozen=True)
class CoreAnswers:
    """A history and the results of the core job over it."""

    history: history.History
    ours: Path
    spans: int
    models: dict[str, float]


@pytest.fixture(scope="module")
def core_answers(tmp_path_factory: pytest.TempPathFactory) -> CoreAnswers:
    folder = tmp_path_factory.mktemp("bench")
    generated = history.prepare(HistorySpec(5_000, seed=11), folder)
    duckdb.execute(SOME_RESTORED.format(exports=generated.exports))
    history.load(generated, SETTINGS)
    ours = folder / "ours"
    ours.mkdir()
    spans, models = core.run(generated, SETTINGS, folder)
    core.answer(folder, ours)
    return CoreAnswers(generated, ours, spans, models)


def test_pandas_and_the_models_give_equal_results(core_answers: CoreAnswers, tmp_path: Path) -> None:
    """Every cell of spans, cycles, conversion and time in stage is equal (E10, S1, S2, C1 to C6, K1, K3, T1)."""
    theirs = pandas_core.run(facts.read(core_answers.history.facts), tmp_path)
    assert theirs == core_answers.spans
    assert answers.differences(core_answers.ours, tmp_path) == {}
    assert answers.cells(tmp_path) > 10_000


def test_the_answers_job_gives_equal_results_from_fewer_tables(core_answers: CoreAnswers, tmp_path: Path) -> None:
    """The answers job builds no mart and no slice, and every cell is equal."""
    (tmp_path / "answers").mkdir()
    spans, models = same_answers.run(core_answers.history, SETTINGS, tmp_path, tmp_path / "answers")
    assert spans == core_answers.spans
    assert answers.differences(core_answers.ours, tmp_path / "answers") == {}
    assert {each for each in models if not each.startswith("clean.")} == {"journey.stays", "journey.cycles_facts"}


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
def test_a_cell_that_differs_is_found(
    core_answers: CoreAnswers, tmp_path: Path, answer: str, change: str, rows: int
) -> None:
    """A count that is off by one, a missing row, and missing or slightly longer days are differences."""
    for path in core_answers.ours.glob("*.parquet"):
        shutil.copyfile(path, tmp_path / path.name)
    duckdb.connect().execute(CHANGED.format(tmp_path / f"{answer}.parquet", change))
    assert answers.differences(core_answers.ours, tmp_path) == {answer: rows}


def test_the_core_job_builds_only_the_tables_that_it_needs(core_answers: CoreAnswers) -> None:
    """The core job builds its published tables and their inputs, but no table of quality or report."""
    named = {each.removeprefix("+") for each in core.CORE_MODELS.split()}
    assert named <= set(core_answers.models)
    assert {each.split(".")[0] for each in core_answers.models} <= {"waterfall", "clean", "journey", "marts"}


def test_scan_and_sort_read_every_row(core_answers: CoreAnswers, tmp_path: Path) -> None:
    """Both yardsticks read all rows of the landing log."""
    parquet_files = facts.read(core_answers.history.facts)
    files = list(parquet_files.stage_entries)
    row = duckdb.execute("select count(*) from read_parquet($files)", {"files": files}).fetchone()
    for yardstick in (scan, sort):
        ready = yardstick.ready(parquet_files, tmp_path, "1GB", 1)
        assert (yardstick.run(parquet_files, tmp_path, ready),) == row
        yardstick.stop(ready)


def test_a_chain_of_merges_ends_at_the_last_lead() -> None:
    """A lead that was merged into a merged lead belongs to the last one (E3)."""
    assert facts.survivors([("a", "b"), ("b", "c"), ("x", "y")]) == {"a": "c", "b": "c", "x": "y"}


def test_a_process_is_measured_while_it_runs(tmp_path: Path) -> None:
    """The measurement has memory, processor time and spill of a process and its children."""
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


def test_a_process_beyond_its_time_limit_is_stopped(tmp_path: Path) -> None:
    """The process and its children are stopped, and its measurement is a lower bound."""
    started = time.monotonic()
    watched = measure.command([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path, limit=0.3)
    assert watched.is_stopped
    assert time.monotonic() - started < 20


def test_the_error_of_a_failed_process_has_the_end_of_its_output(tmp_path: Path) -> None:
    """The error quotes the end of what the process printed."""
    with pytest.raises(measure.JobFailedError, match="not this time"):
        measure.command([sys.executable, "-c", "raise SystemExit('not this time')"], tmp_path, limit=30)


def test_processor_time_of_this_process_grows_with_work() -> None:
    """Work is measured in ticks, and this process is in its own process tree."""
    before = processes.ticks(os.getpid())
    deadline = time.process_time() + 0.2
    while time.process_time() < deadline:
        pass
    assert processes.ticks(os.getpid()) - before >= 15
    assert os.getpid() in processes.tree(os.getpid())


def test_files_are_compared_table_by_table(tmp_path: Path) -> None:
    """The comparison names rows that differ and tables that only one file has; compacted copies are not bigger."""
    for name, value in (("one", 1), ("other", 2)):
        connection = duckdb.connect(str(tmp_path / name))
        connection.execute("create schema marts; create table marts.same as from range(100000)")
        connection.execute(f"create table marts.moved as select {value} as v; create table marts.{name} as select 1")
        connection.close()
    compared, different = nights._compare_tables(tmp_path / "one", tmp_path / "other")
    assert (compared, different) == (2, ["marts.one", "marts.other", "marts.moved"])
    assert nights._compacted_bytes(tmp_path / "one", tmp_path / "copy") <= (tmp_path / "one").stat().st_size
