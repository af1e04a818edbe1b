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
    """An output folder, with its lock held."""
    with lock.hold(tmp_path / "out", CLOCK):
        yield tmp_path / "out"


def build_run(folder: Path, text: str, clock: datetime = CLOCK) -> run_folder.RunFolder:
    """A run folder with files that contain `text`, and with spill."""
    run = run_folder.start_run(folder, clock)
    run.database.write_text(text)
    (run.reports / "assets").mkdir()
    (run.reports / "index.html").write_text(text)
    (run.reports / "assets" / "style.css").write_text(text)
    run.manifest.write_text(text)
    (run.spill / "duckdb_temp_storage-0.tmp").write_text("rows of people")
    return run


def publish_run(folder: Path, text: str, clock: datetime = CLOCK) -> run_folder.RunFolder:
    run = build_run(folder, text, clock)
    run_folder.seal(run)
    assert [] == run_folder.swap(run)
    return run


def published_texts(folder: Path) -> tuple[str, str]:
    """The texts of the published database and report."""
    return (folder / "funnel.duckdb").read_text(), (folder / "reports" / "index.html").read_text()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_published_run_is_laid_out_behind_one_link(out: Path) -> None:
    """Database and reports are links to `current`, so one rename changes both."""
    run = publish_run(out, "first")
    assert ["current", "funnel.duckdb", "reports", "run.lock", "runs"] == names(out)
    assert f"runs/{run.id}" == str((out / "current").readlink())
    assert ["current/funnel.duckdb", "current/reports"] == [
        str((out / name).readlink()) for name in ("funnel.duckdb", "reports")
    ]
    assert ["funnel.duckdb", "manifest.json", "reports"] == names(run.sealed)
    assert ("first", "first") == published_texts(out)


def test_a_run_is_named_after_its_clock_in_utc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The id sorts by time in any time zone; two runs of one second have different suffixes."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    runs = [run_folder.start_run(tmp_path, CLOCK.astimezone(timezone(timedelta(hours=9)))) for _ in range(3)]
    assert ["20260401T035959Z-"] * 3 == [run.id[:17] for run in runs]
    assert 3 == len({run.id for run in runs})
    monkeypatch.undo()
    time.tzset()


def test_the_second_run_replaces_the_first_and_keeps_its_folder(out: Path) -> None:
    """A reader of the old run keeps its open file."""
    first = publish_run(out, "first")
    publish_run(out, "second", CLOCK + timedelta(days=1))
    assert ("second", "second") == published_texts(out)
    assert "first" == (first.sealed / "funnel.duckdb").read_text()


def test_every_file_of_a_sealed_run_is_read_only(out: Path) -> None:
    """Database, pages and manifest have mode 0444; the folder has the mode of the output folder."""
    run = publish_run(out, "first")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in run.sealed.rglob("*") if path.is_file()}
    assert dict.fromkeys(["funnel.duckdb", "index.html", "manifest.json", "style.css"], 0o444) == modes
    assert stat.S_IMODE(out.stat().st_mode) == stat.S_IMODE(run.sealed.stat().st_mode)


def test_a_run_is_private_while_it_is_built(tmp_path: Path) -> None:
    """Only the owner can read incomplete tables and spill, even if the output folder is shared."""
    tmp_path.chmod(0o755)
    assert 0o700 == stat.S_IMODE(run_folder.start_run(tmp_path, CLOCK).building.stat().st_mode)


def test_everything_is_on_the_disk_before_a_name_points_to_it(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a power cut `current` has only written files; the order is flush, rename, flush, link, flush."""
    done: list[str] = []
    fsync, rename, replace = os.fsync, os.rename, os.replace

    def name_of(path: object) -> str:
        relative = Path(str(path)).relative_to(out)
        return "/".join("RUN" if part.startswith("2026") else part for part in relative.parts) or "DIR"

    def record_fsync(descriptor: int) -> None:
        fsync(descriptor)
        done.append(f"flush {name_of(Path(f'/proc/self/fd/{descriptor}').readlink())}")

    def recording(verb: str, act: object) -> object:
        def act_and_record(source: object, target: object) -> None:
            act(source, target)  # type: ignore[operator]
            done.append(f"{verb} {name_of(target)}")

        return act_and_record

    run = build_run(out, "first")
    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "rename", recording("rename", rename))
    monkeypatch.setattr(os, "replace", recording("link", replace))
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
    """With a write-ahead log the file alone is incomplete."""
    run = run_folder.start_run(out, CLOCK)
    connection = duckdb.connect(str(run.database))
    connection.execute("create table stage_spans (lead_no integer)")
    with pytest.raises(FunnelError, match="not closed") as refusal:
        run_folder.seal(run)
    assert f"{run.database}.wal" == refusal.value.where
    connection.close()
    run_folder.seal(run)
    assert ["funnel.duckdb", "reports"] == names(run.sealed)


def test_a_run_without_its_spill_folder_is_sealed(out: Path) -> None:
    """DuckDB or a clean-up job may have removed the folder."""
    run = run_folder.start_run(out, CLOCK)
    run.database.write_text("text")
    run.spill.rmdir()
    run_folder.seal(run)
    assert ["funnel.duckdb", "reports"] == names(run.sealed)


def test_a_run_without_a_database_is_not_sealed(out: Path) -> None:
    """An empty folder is never published."""
    with pytest.raises(FunnelError, match="wrote no database"):
        run_folder.seal(run_folder.start_run(out, CLOCK))


def test_a_run_is_published_only_under_the_lock(tmp_path: Path) -> None:
    """swap requires the lock itself, so no caller can forget it."""
    run = build_run(tmp_path, "first")
    run_folder.seal(run)
    with pytest.raises(RuntimeError, match="no lock is held"):
        run_folder.swap(run)


def test_a_full_disk_while_sealing_leaves_the_old_run(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error has the text of the system, and discard removes the new run."""
    publish_run(out, "first")
    run = build_run(out, "second")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(FunnelError, match="can't be flushed to disk: no space left on device"):
            run_folder.seal(run)
    run_folder.discard(run)
    assert ("first", "first") == published_texts(out)
    assert 1 == len(names(out / "runs"))


def test_discard_removes_a_sealed_run_that_was_not_published(out: Path) -> None:
    """A run that fails between seal and swap leaves no file."""
    run = build_run(out, "first")
    run_folder.seal(run)
    run_folder.discard(run)
    assert [] == names(out / "runs")


def test_discard_never_removes_the_published_run(out: Path) -> None:
    """An error after the swap, for example in the mail, does not remove the run."""
    run_folder.discard(publish_run(out, "first"))
    assert ("first", "first") == published_texts(out)


def test_leftovers_are_removed_only_under_the_lock(tmp_path: Path) -> None:
    """Without the lock a `.building` folder may belong to a run in progress."""
    killed = build_run(tmp_path, "killed")
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
    """The oldest runs are removed first; other folders in runs/ stay."""
    runs = [publish_run(out, "text", CLOCK + timedelta(days=day)) for day in range(4)]
    (out / "runs" / "notes").mkdir()
    assert [runs[0].id, runs[1].id] == run_folder.prune(out, 2)
    assert [runs[2].id, runs[3].id, "notes"] == names(out / "runs")
    assert [] == run_folder.prune(out, 2)


def test_prune_never_removes_the_published_run(out: Path) -> None:
    """The order is that of publishing, even if a wrong clock dates the published run as the oldest."""
    runs = [publish_run(out, "text", CLOCK - timedelta(days=day)) for day in range(3)]
    assert [runs[0].id, runs[1].id] == run_folder.prune(out, 1)
    assert ("text", "text") == published_texts(out)


def test_prune_of_everything_is_refused(out: Path) -> None:
    """Keeping zero runs is an error in the code."""
    with pytest.raises(ValueError, match="1 or more"):
        run_folder.prune(out, 0)


def test_the_published_path_does_not_change_under_a_reader(out: Path) -> None:
    """`current` resolves to the folder of a run, so a second open reads the same run after a swap."""
    assert run_folder.current(out) is None
    first = publish_run(out, "first")
    path = run_folder.current(out)
    publish_run(out, "second")
    assert first.sealed / "funnel.duckdb" == path


@pytest.mark.parametrize("name", ["current", "funnel.duckdb", "reports"])
def test_a_folder_with_one_of_our_names_is_never_replaced(tmp_path: Path, name: str) -> None:
    """Such a folder of the user stops the run before any work."""
    (tmp_path / name).mkdir()
    with pytest.raises(UsageError, match="in the way") as refusal:
        run_folder.start_run(tmp_path, CLOCK)
    assert str(tmp_path / name) == refusal.value.where
    assert [name] == names(tmp_path)


def test_a_wrong_link_is_corrected_with_a_warning(out: Path) -> None:
    """Each run tests both links."""
    publish_run(out, "first")
    (out / "reports").unlink()
    (out / "reports").symlink_to("/nowhere")
    run = build_run(out, "second")
    run_folder.seal(run)
    assert [f"{out}/reports: the link had another target; it points to current/reports again"] == run_folder.swap(run)
    assert ("second", "second") == published_texts(out)


def test_a_missing_file_gives_the_command_of_the_first_run(tmp_path: Path) -> None:
    """The error before the first run has the command that creates it."""
    path = tmp_path / "funnel.duckdb"
    with pytest.raises(duckdb.Error) as failure:
        duckdb.connect(str(path), read_only=True)
    error = run_folder.open_errors(path, failure.value)
    assert (str(path), "run `funnel run` first", 2) == (error.where, error.next_step, error.exit_code)
