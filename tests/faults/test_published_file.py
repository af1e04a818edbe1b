"""docs/FAULTS.md, 16 and 17: the message on an unreadable published file names the cause."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from pipeline.database.connection import connect, connect_published
from pipeline.errors import FunnelError, InputError
from pipeline.publish import lock, run_folder
from pipeline.settings import Settings

CLOCK = datetime(2026, 4, 1, 3, 59, 59, tzinfo=UTC)


def publish_rows(folder: Path, entries: int, day: int = 0) -> None:
    clock = CLOCK + timedelta(days=day)
    with lock.hold(folder, clock):
        run = run_folder.start_run(folder, clock)
        connection = connect(run.database, Settings(memory_limit="500MB", threads=1))
        connection.execute("create schema marts")
        connection.execute("create table marts.entries as select range as lead_no from range(?)", [entries])
        connection.execute("checkpoint")
        connection.close()
        run_folder.seal(run)
        run_folder.swap(run)


def error_when_read(path: Path) -> FunnelError:
    """The error of opening and reading a damaged published file."""
    with pytest.raises(duckdb.Error) as failure:
        connect_published(path).execute("select sum(lead_no) from marts.entries")
    return run_folder.open_errors(path, failure.value)


def write_content(folder: Path, content: bytes) -> Path:
    path = run_folder.current(folder)
    assert path is not None
    path.chmod(0o644)
    path.write_bytes(content)
    return folder / "funnel.duckdb"


def corrupted(content: bytes, how: str) -> bytes:
    if how == "a flipped bit":  # in the middle, among the rows
        middle = len(content) // 2
        return content[:middle] + bytes([content[middle] ^ 0x10]) + content[middle + 1 :]
    return {"cut in half": content[: len(content) // 2], "empty": b"", "not a database": b"<html>" * 2000}[how]


@pytest.mark.parametrize("how", ["cut in half", "a flipped bit", "empty", "not a database"])
def test_a_corrupt_file_gives_the_command_that_rebuilds_it(tmp_path: Path, how: str) -> None:
    """F16: The message names the rebuild from the landing log; the next run replaces the file."""
    publish_rows(tmp_path, 100_000)
    path = write_content(tmp_path, corrupted((tmp_path / "funnel.duckdb").read_bytes(), how))
    error = error_when_read(path)
    assert isinstance(error, InputError)
    assert "the database file is corrupt (truncated, or changed on the disk)" == error.what
    assert (str(path), "rebuild it from the landing log with `funnel run --from-log`") == (error.where, error.next_step)
    publish_rows(tmp_path, 7, day=1)
    entries = connect_published(tmp_path / "funnel.duckdb").execute("select count(*) from marts.entries").fetchall()
    assert [(7,)] == entries


def checksum(block: bytes) -> bytes:
    """DuckDB's checksum of a header block. Its length must be a multiple of 8."""
    result = 5381
    for at in range(0, len(block), 8):
        result ^= int.from_bytes(block[at : at + 8], "little") * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    return result.to_bytes(8, "little")


def test_a_file_of_a_newer_duckdb_names_both_versions(tmp_path: Path) -> None:
    """F17: The message has the DuckDB version of the file and the installed one, and does not call the file corrupt."""
    publish_rows(tmp_path, 100_000)
    content = (tmp_path / "funnel.duckdb").read_bytes()
    block = bytearray(content[8:4096])
    assert content[:8] == checksum(bytes(block))
    block[4:12] = (2000).to_bytes(8, "little")
    block[44:76] = b"v9.8.7".ljust(32, b"\0")
    path = write_content(tmp_path, checksum(bytes(block)) + bytes(block) + content[4096:])
    error = error_when_read(path)
    assert isinstance(error, InputError)
    assert (
        "the file was written by DuckDB v9.8.7 (storage version 2000), "
        f"and this is DuckDB v{duckdb.__version__}, which can't read it"
    ) == error.what
