"""The output folder keeps the newest N runs, always with the published one."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.config.load import load_configuration
from pipeline.errors import ConfigurationError, FunnelError
from pipeline.publish import attempts, lock, run_folder
from tests import runs as whole_runs

CLOCK = whole_runs.CLOCK


def publish_run(output: Path, day: int, keep: int) -> str:
    """Publish a run of a day with the steps of a run, and prune old ones. Returns its id."""
    clock = CLOCK + timedelta(days=day)
    with attempts.recording(output, clock, "run") as record, lock.hold(output, clock):
        run = run_folder.start_run(output, clock)
        record.began(run.id)
        run.database.write_text(run.id)
        run_folder.seal(run)
        run_folder.swap(run)
        run_folder.prune(output, keep)
        record.published({})
    return run.id


def fail_run(output: Path, day: int) -> None:
    """Start a run that builds a file and fails."""
    clock = CLOCK + timedelta(days=day)
    with attempts.recording(output, clock, "run") as record, lock.hold(output, clock):
        run = run_folder.start_run(output, clock)
        record.began(run.id)
        run.database.write_text("half")
        run_folder.discard(run)
        record.failed(FunnelError("failed"))


def run_and_record_names(output: Path) -> list[str]:
    """The sorted names in runs/ and attempts/."""
    return sorted(path.name for path in (*(output / "runs").iterdir(), *(output / "attempts").iterdir()))


def with_records(*runs: str) -> list[str]:
    return sorted([*runs, *(f"{run}.json" for run in runs)])


@pytest.mark.parametrize("keep", [1, 2, 4, 9])
def test_the_newest_runs_stay_with_their_records(tmp_path: Path, keep: int) -> None:
    """N of five runs stay, or all five if N is larger, and no file of the others."""
    runs = [publish_run(tmp_path, day, keep) for day in range(5)]
    assert with_records(*runs[-keep:]) == run_and_record_names(tmp_path)


@pytest.mark.parametrize("keep", ["0", "1", "-3", "2.5", "'seven'", "true"])
def test_keep_runs_below_2_is_refused_with_its_line(tmp_path: Path, keep: str) -> None:
    """It must be an integer of at least 2, so that a reader can still open the previous file."""
    toml = tmp_path / "funnel.toml"
    text = whole_runs.QUARTER.read_text("utf-8") + f"\n[output]\nkeep_runs = {keep}\n"
    toml.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError) as refusal:
        load_configuration(toml)
    assert f"funnel.toml:{len(text.splitlines())}: output.keep_runs" in str(refusal.value)


def test_the_published_run_stays_even_if_its_name_is_the_oldest(tmp_path: Path) -> None:
    """A clock that was a year ahead gave newer names; runs are pruned in order of publishing."""
    ahead = [publish_run(tmp_path, 365 + day, 2) for day in range(2)]
    today = publish_run(tmp_path, 0, 2)
    assert with_records(today, ahead[1]) == run_and_record_names(tmp_path)
    assert today == (tmp_path / "funnel.duckdb").read_text()


def test_failed_runs_remove_no_published_run(tmp_path: Path) -> None:
    """After two good runs and three failures both runs are there; the next good one removes the oldest and the records."""
    runs = [publish_run(tmp_path, day, 2) for day in range(2)]
    for day in range(2, 5):
        fail_run(tmp_path, day)
    assert runs == [name for name in run_and_record_names(tmp_path) if not name.endswith(".json")]
    assert 3 == len([each for each in attempts.read(tmp_path) if each.exit_code == 1])
    newest = publish_run(tmp_path, 5, 2)
    assert with_records(runs[1], newest) == run_and_record_names(tmp_path)


def test_an_unreadable_or_locked_folder_stops_no_run(tmp_path: Path) -> None:
    """With an unreadable run, a file named like a run, and a half-removed run, the run is published, and the newest stay."""
    runs = [publish_run(tmp_path, day, 9) for day in range(3)]
    closed = tmp_path / "runs" / runs[0]
    closed.chmod(0)
    stray = tmp_path / "runs" / "20260101T000000Z-0000"
    stray.write_text("a file named like a run")
    half = tmp_path / "runs" / "20260101T000001Z-0000.removing"
    half.mkdir()
    (half / "funnel.duckdb").write_text("half")
    newest = publish_run(tmp_path, 3, 2)
    assert newest == (tmp_path / "funnel.duckdb").read_text()
    assert {runs[2], newest} <= set(run_and_record_names(tmp_path))
    assert runs[1] not in run_and_record_names(tmp_path)
    assert half.name not in run_and_record_names(tmp_path)
    assert stray.name in run_and_record_names(tmp_path), "a file is no run: neither counted nor removed"
    for path in (tmp_path / "runs").glob(f"{runs[0]}*"):
        path.chmod(0o755)
