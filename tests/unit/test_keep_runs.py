"""How many runs are kept: the newest N, never without the published one, whatever else lies in runs/."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.config.load import load_configuration
from pipeline.errors import ConfigurationError, FunnelError
from pipeline.publish import attempts, lock, run_folder
from tests import runs as nights

CLOCK = nights.CLOCK


def night(output: Path, day: int, keep: int) -> str:
    """A run of that day, published as a run does it, and what is too old removed. Returns its id."""
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


def failing_night(output: Path, day: int) -> None:
    """A run that builds something and fails."""
    clock = CLOCK + timedelta(days=day)
    with attempts.recording(output, clock, "run") as record, lock.hold(output, clock):
        run = run_folder.start_run(output, clock)
        record.began(run.id)
        run.database.write_text("half")
        run_folder.discard(run)
        record.failed(FunnelError("failed"))


def kept(output: Path) -> list[str]:
    """What is in runs/ and attempts/, sorted."""
    return sorted(path.name for path in (*(output / "runs").iterdir(), *(output / "attempts").iterdir()))


def with_records(*runs: str) -> list[str]:
    return sorted([*runs, *(f"{run}.json" for run in runs)])


@pytest.mark.parametrize("keep", [1, 2, 4, 9])
def test_the_newest_runs_stay_with_their_records(tmp_path: Path, keep: int) -> None:
    """N of five, all five where N is more, and nothing of the others."""
    runs = [night(tmp_path, day, keep) for day in range(5)]
    assert with_records(*runs[-keep:]) == kept(tmp_path)


@pytest.mark.parametrize("keep", ["0", "1", "-3", "2.5", "'seven'", "true"])
def test_too_few_to_keep_is_refused_with_its_line(tmp_path: Path, keep: str) -> None:
    """0 and 1 would take the file from under a reader who has just found it: at least 2, a whole number."""
    toml = tmp_path / "funnel.toml"
    text = nights.QUARTER.read_text("utf-8") + f"\n[output]\nkeep_runs = {keep}\n"
    toml.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError) as refusal:
        load_configuration(toml)
    assert f"funnel.toml:{len(text.splitlines())}: output.keep_runs" in str(refusal.value)


def test_the_published_run_stays_when_it_is_the_oldest(tmp_path: Path) -> None:
    """A clock that was a year ahead left newer names: they go in the order of publishing; today's run is read."""
    ahead = [night(tmp_path, 365 + day, 2) for day in range(2)]
    today = night(tmp_path, 0, 2)
    assert with_records(today, ahead[1]) == kept(tmp_path)
    assert today == (tmp_path / "funnel.duckdb").read_text()


def test_failed_runs_remove_no_published_run(tmp_path: Path) -> None:
    """Two good runs, three failures, and both runs are there; the next good one removes the oldest and the records."""
    runs = [night(tmp_path, day, 2) for day in range(2)]
    for day in range(2, 5):
        failing_night(tmp_path, day)
    assert runs == [name for name in kept(tmp_path) if not name.endswith(".json")]
    assert 3 == len([each for each in attempts.read(tmp_path) if each.exit_code == 1])
    newest = night(tmp_path, 5, 2)
    assert with_records(runs[1], newest) == kept(tmp_path)


def test_what_cannot_be_read_or_removed_never_stops_a_run(tmp_path: Path) -> None:
    """A run without rights, a file of a run's name, a half-removed run: the run is published, the newest stay."""
    runs = [night(tmp_path, day, 9) for day in range(3)]
    closed = tmp_path / "runs" / runs[0]
    closed.chmod(0)
    stray = tmp_path / "runs" / "20260101T000000Z-0000"
    stray.write_text("a file of a night's name")
    half = tmp_path / "runs" / "20260101T000001Z-0000.removing"
    half.mkdir()
    (half / "funnel.duckdb").write_text("half")
    newest = night(tmp_path, 3, 2)
    assert newest == (tmp_path / "funnel.duckdb").read_text()
    assert {runs[2], newest} <= set(kept(tmp_path))
    assert runs[1] not in kept(tmp_path)
    assert half.name not in kept(tmp_path)
    assert stray.name in kept(tmp_path), "a file is no night: neither counted nor removed"
    for path in (tmp_path / "runs").glob(f"{runs[0]}*"):
        path.chmod(0o755)
