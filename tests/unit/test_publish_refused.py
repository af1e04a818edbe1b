"""Publishing where something is not as it should be, and what the user is told of a published file that does not open."""

from __future__ import annotations

import secrets
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from pipeline.engines import lock
from pipeline.errors import FunnelError, UsageError
from pipeline.models import publish
from tests.unit.limits import without_rights

CLOCK = datetime(2026, 4, 1, 3, 59, 59, tzinfo=UTC)


def test_a_folder_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    """Before any work, though its runs/ is there from an earlier night."""
    out = tmp_path / "out"
    (out / "runs").mkdir(parents=True)
    (out / "runs").chmod(0o555)
    out.chmod(0o555)
    with without_rights(tmp_path), pytest.raises(UsageError) as refusal:
        publish.start_run(out, CLOCK)
    assert "the output folder can't be written: permission denied" == refusal.value.what
    assert (str(out), 2) == (refusal.value.where, refusal.value.exit_code)
    assert [] == list((out / "runs").iterdir())


def test_an_id_that_is_taken_is_not_given_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither that of a night nor that of one which is being built."""
    (tmp_path / "runs" / "20260401T035959Z-aaaa").mkdir(parents=True)
    (tmp_path / "runs" / "20260401T035959Z-bbbb.building").mkdir()
    drawn = iter(["aaaa", "bbbb", "aaaa", "cccc"])
    monkeypatch.setattr(secrets, "token_hex", lambda _: next(drawn))
    assert "20260401T035959Z-cccc" == publish.start_run(tmp_path, CLOCK).id


def test_a_night_that_was_not_sealed_is_not_published(tmp_path: Path) -> None:
    """No link is made to a folder that is not there."""
    with lock.hold(tmp_path, CLOCK):
        run = publish.start_run(tmp_path, CLOCK)
        with pytest.raises(FunnelError, match="no sealed night to publish") as refusal:
            publish.swap(run)
    assert (str(run.sealed), "start the run again") == (refusal.value.where, refusal.value.next_step)
    assert not (tmp_path / "current").is_symlink()


def test_nothing_is_pruned_where_there_is_no_night(tmp_path: Path) -> None:
    """A folder without runs/ stays as it is."""
    assert [] == publish.prune(tmp_path, 2)
    assert [] == list(tmp_path.iterdir())


def database(folder: Path) -> Path:
    path = folder / "funnel.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table nights as select 1 as night")
    return path


def told_of(path: Path) -> FunnelError:
    """What is said of the error that DuckDB itself meets."""
    with pytest.raises(duckdb.Error) as failure:
        duckdb.connect(str(path), read_only=True)
    return publish.open_errors(path, failure.value)


def test_a_file_that_this_user_may_not_read_is_told(tmp_path: Path) -> None:
    """And is not called corrupt."""
    path = database(tmp_path)
    path.chmod(0)
    with without_rights(tmp_path):
        told = told_of(path)
    assert ("the published file can't be read by this user", str(path), "ask for the right", 2) == (
        told.what,
        told.where,
        told.next_step,
        told.exit_code,
    )


def test_a_file_that_became_unreadable_is_told_whatever_duckdb_says(tmp_path: Path) -> None:
    """A session that was open when the right was taken away meets another error than who opens the file."""
    path = database(tmp_path)
    path.chmod(0)
    with without_rights(tmp_path):
        told = publish.open_errors(path, duckdb.IOException("Could not read enough bytes"))
    assert "the published file can't be read by this user" == told.what


def test_a_file_that_another_program_writes_is_told(tmp_path: Path) -> None:
    """A second process has it open, really."""
    path = database(tmp_path)
    script = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.readline()"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert "open\n" == other.stdout.readline()
        told = told_of(path)
        other.communicate("\n", timeout=20)
    assert ("another program has the published file open for writing", str(path), "close it there", 2) == (
        told.what,
        told.where,
        told.next_step,
        told.exit_code,
    )
