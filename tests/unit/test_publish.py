from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pytest

from pipeline.errors import FunnelError, UsageError
from pipeline.publish import lock, run_folder

CLOCK = datetime(2026, 4, 1, 3, 59, 59, tzinfo=UTC)


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    """An output folder whose lock is held."""
    with lock.hold(tmp_path / "out", CLOCK):
        yield tmp_path / "out"


def built(folder: Path, night: str, clock: datetime = CLOCK) -> run_folder.RunFolder:
    """A run folder as the run leaves it: the files hold the run's name, spill is left over."""
    run = run_folder.start_run(folder, clock)
    run.database.write_text(night)
    (run.reports / "assets").mkdir()
    (run.reports / "index.html").write_text(night)
    (run.reports / "assets" / "style.css").write_text(night)
    run.manifest.write_text(night)
    (run.spill / "duckdb_temp_storage-0.tmp").write_text("rows of people")
    return run


def published(folder: Path, night: str, clock: datetime = CLOCK) -> run_folder.RunFolder:
    run = built(folder, night, clock)
    run_folder.seal(run)
    assert [] == run_folder.swap(run)
    return run


def seen(folder: Path) -> tuple[str, str]:
    """What a reader finds: the database and the report."""
    return (folder / "funnel.duckdb").read_text(), (folder / "reports" / "index.html").read_text()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_published_run_is_laid_out_behind_one_link(out: Path) -> None:
    """Database and reports are links through `current`, so one rename changes both."""
    run = published(out, "first")
    assert ["current", "funnel.duckdb", "reports", "run.lock", "runs"] == names(out)
    assert f"runs/{run.id}" == str((out / "current").readlink())
    assert ["current/funnel.duckdb", "current/reports"] == [
        str((out / name).readlink()) for name in ("funnel.duckdb", "reports")
    ]
    assert ["funnel.duckdb", "manifest.json", "reports"] == names(run.sealed)
    assert ("first", "first") == seen(out)


def test_a_run_is_named_after_its_clock_in_utc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The id sorts by time, wherever the machine stands; two runs of one second differ in the end."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    runs = [run_folder.start_run(tmp_path, CLOCK.astimezone(timezone(timedelta(hours=9)))) for _ in range(3)]
    assert ["20260401T035959Z-"] * 3 == [run.id[:17] for run in runs]
    assert 3 == len({run.id for run in runs})
    monkeypatch.undo()
    time.tzset()


def test_the_second_run_replaces_the_first_and_leaves_it_in_its_folder(out: Path) -> None:
    """A reader of the old run keeps the file that it has."""
    first = published(out, "first")
    published(out, "second", CLOCK + timedelta(days=1))
    assert ("second", "second") == seen(out)
    assert "first" == (first.sealed / "funnel.duckdb").read_text()


def test_every_file_of_a_sealed_run_is_read_only(out: Path) -> None:
    """Mode 0444 on the database, every page and the manifest; the folder is as open as the one around it."""
    run = published(out, "first")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in run.sealed.rglob("*") if path.is_file()}
    assert dict.fromkeys(["funnel.duckdb", "index.html", "manifest.json", "style.css"], 0o444) == modes
    assert stat.S_IMODE(out.stat().st_mode) == stat.S_IMODE(run.sealed.stat().st_mode)


def test_a_run_is_private_while_it_is_built(tmp_path: Path) -> None:
    """Half-built tables and spill are for the owner only, also where the output folder is shared."""
    tmp_path.chmod(0o755)
    assert 0o700 == stat.S_IMODE(run_folder.start_run(tmp_path, CLOCK).building.stat().st_mode)


def test_everything_is_on_the_disk_before_a_name_points_to_it(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a power cut `current` can't lead to a file that was not written: flush, rename, flush, link, flush."""
    done: list[str] = []
    fsync, rename, replace = os.fsync, os.rename, os.replace

    def named(path: object) -> str:
        relative = Path(str(path)).relative_to(out)
        return "/".join("RUN" if part.startswith("2026") else part for part in relative.parts) or "DIR"

    def noted_fsync(descriptor: int) -> None:
        fsync(descriptor)
        done.append(f"flush {named(Path(f'/proc/self/fd/{descriptor}').readlink())}")

    def noted(verb: str, act: object) -> object:
        def noted_act(source: object, target: object) -> None:
            act(source, target)  # type: ignore[operator]
            done.append(f"{verb} {named(target)}")

        return noted_act

    run = built(out, "first")
    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "rename", noted("rename", rename))
    monkeypatch.setattr(os, "replace", noted("link", replace))
    run_folder.seal(run)
    run_folder.swap(run)
    assert [
        "flush runs/RUN/reports/assets/style.css",
        "flush runs/RUN/reports/assets",
        "flush runs/RUN/reports/index.html",
        "flush runs/RUN/reports",
        "flush runs/RUN/funnel.duckdb",
        "flush runs/RUN/manifest.json",
        "flush runs/RUN",
        "rename runs/RUN",
        "flush runs",
        "link funnel.duckdb",
        "link reports",
        "flush DIR",
        "link current",
        "flush DIR",
    ] == done


def test_a_database_that_is_still_open_is_not_sealed(out: Path) -> None:
    """A write-ahead log means that the file alone is not the whole run."""
    run = run_folder.start_run(out, CLOCK)
    connection = duckdb.connect(str(run.database))
    connection.execute("create table stage_spans (lead_no integer)")
    with pytest.raises(FunnelError, match="not closed") as refusal:
        run_folder.seal(run)
    assert f"{run.database}.wal" == refusal.value.where
    connection.close()
    run_folder.seal(run)
    assert ["funnel.duckdb", "reports"] == names(run.sealed)


def test_a_run_whose_spill_is_gone_is_sealed(out: Path) -> None:
    """DuckDB, or a cleaner, may have removed it."""
    run = run_folder.start_run(out, CLOCK)
    run.database.write_text("night")
    run.spill.rmdir()
    run_folder.seal(run)
    assert ["funnel.duckdb", "reports"] == names(run.sealed)


def test_a_run_without_a_database_is_not_sealed(out: Path) -> None:
    """An empty folder is never published."""
    with pytest.raises(FunnelError, match="wrote no database"):
        run_folder.seal(run_folder.start_run(out, CLOCK))


def test_a_run_is_published_only_under_the_lock(tmp_path: Path) -> None:
    """swap asks for the lock itself, so no caller can forget it."""
    run = built(tmp_path, "first")
    run_folder.seal(run)
    with pytest.raises(RuntimeError, match="no lock is held"):
        run_folder.swap(run)


def test_a_full_disk_while_sealing_leaves_the_old_run(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what the system said, and discard removes what was built."""
    published(out, "first")
    run = built(out, "second")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(FunnelError, match="can't be flushed to disk: no space left on device"):
            run_folder.seal(run)
    run_folder.discard(run)
    assert ("first", "first") == seen(out)
    assert 1 == len(names(out / "runs"))


def test_discard_removes_a_sealed_run_that_was_not_published(out: Path) -> None:
    """A run that failed between seal and swap leaves nothing."""
    run = built(out, "first")
    run_folder.seal(run)
    run_folder.discard(run)
    assert [] == names(out / "runs")


def test_discard_never_removes_the_published_run(out: Path) -> None:
    """An error after the swap, in the mail say, does not take the run away."""
    run_folder.discard(published(out, "first"))
    assert ("first", "first") == seen(out)


def test_leftovers_are_swept_only_under_the_lock(tmp_path: Path) -> None:
    """Without the lock a `.building` folder may belong to a run that is alive."""
    killed = built(tmp_path, "killed")
    (tmp_path / "current.new-4711").symlink_to("runs/nowhere")
    (tmp_path / "runs" / "20260331T000000Z-0123.removing").mkdir()
    (tmp_path / "runs" / "notes.building").mkdir()
    alive = run_folder.start_run(tmp_path, CLOCK)
    assert killed.building.is_dir()
    with lock.hold(tmp_path, CLOCK):
        run = run_folder.start_run(tmp_path, CLOCK)
    assert not alive.building.exists()
    assert [run.building.name, "notes.building"] == names(tmp_path / "runs")
    assert ["run.lock", "runs"] == names(tmp_path)


def test_prune_keeps_the_newest_runs(out: Path) -> None:
    """The oldest go first; other folders in runs/ are not ours to remove."""
    runs = [published(out, "night", CLOCK + timedelta(days=day)) for day in range(4)]
    (out / "runs" / "notes").mkdir()
    assert [runs[0].id, runs[1].id] == run_folder.prune(out, 2)
    assert [runs[2].id, runs[3].id, "notes"] == names(out / "runs")
    assert [] == run_folder.prune(out, 2)


def test_prune_never_removes_the_published_run(out: Path) -> None:
    """Also when a clock that jumped back makes it look like the oldest: the order is that of publishing."""
    runs = [published(out, "night", CLOCK - timedelta(days=day)) for day in range(3)]
    assert [runs[0].id, runs[1].id] == run_folder.prune(out, 1)
    assert ("night", "night") == seen(out)


def test_prune_of_everything_is_refused(out: Path) -> None:
    """Keeping no run is a mistake in the code."""
    with pytest.raises(ValueError, match="1 or more"):
        run_folder.prune(out, 0)


def test_the_published_path_does_not_change_under_a_reader(out: Path) -> None:
    """current is the run's own file, so that a second open finds the same run after a swap."""
    assert run_folder.current(out) is None
    first = published(out, "first")
    path = run_folder.current(out)
    published(out, "second")
    assert first.sealed / "funnel.duckdb" == path


@pytest.mark.parametrize("name", ["current", "funnel.duckdb", "reports"])
def test_what_is_not_a_link_is_never_replaced(tmp_path: Path, name: str) -> None:
    """A folder of the user's with one of our names stops the run before any work."""
    (tmp_path / name).mkdir()
    with pytest.raises(UsageError, match="in the way") as refusal:
        run_folder.start_run(tmp_path, CLOCK)
    assert str(tmp_path / name) == refusal.value.where
    assert [name] == names(tmp_path)


def test_a_link_that_led_elsewhere_is_corrected_with_a_warning(out: Path) -> None:
    """Each run looks at the two links again."""
    published(out, "first")
    (out / "reports").unlink()
    (out / "reports").symlink_to("/nowhere")
    run = built(out, "second")
    run_folder.seal(run)
    assert [f"{out}/reports: the link had another target; it points to current/reports again"] == run_folder.swap(run)
    assert ("second", "second") == seen(out)


def test_a_missing_file_is_a_first_run_to_make(tmp_path: Path) -> None:
    """Who asks before the first run learns which command makes it."""
    path = tmp_path / "funnel.duckdb"
    with pytest.raises(duckdb.Error) as failure:
        duckdb.connect(str(path), read_only=True)
    told = run_folder.open_errors(path, failure.value)
    assert (str(path), "run `funnel run` first", 2) == (told.where, told.next_step, told.exit_code)
