"""Loading of files that change, vanish or can't be read, and errors of disk, memory and counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from delivery import CLOCK, HEADER, Inbox, connection_of_a_run, entry, one_file, refusal

from pipeline.config.configuration import Guard
from pipeline.database import disk
from pipeline.errors import InputError
from pipeline.ingest.files import formats
from pipeline.ingest.landing import classify, loading
from pipeline.ingest.readers import file_reader, holding
from pipeline.ingest.readers.file_reader import ParsedFile
from pipeline.ingest.refusal import FileRefusedError
from tests.unit.limits import files_no_longer_than, without_rights

GOOD = HEADER + entry("L1") + entry("L2", "SAL")


def parquet(path: Path, rows: int, lead: str = "'L' || range") -> bytes:
    duckdb.execute(
        f"copy (select {lead} as lead_id, 'MQL' as stage, '2026-01-05' as entered_at from range({rows})) "
        f"to '{path}' (format parquet)"
    )
    return path.read_bytes()


def with_change_after(change: Callable[[], object], act: Callable[..., Any]) -> Callable[..., Any]:
    """A function that calls `act` and then changes the disk."""

    def done(*arguments: Any) -> Any:
        result = act(*arguments)
        change()
        return result

    return done


def lengthening(path: Path, more: str) -> Callable[[], object]:
    def lengthen() -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(more)

    return lengthen


def assert_left_for_next_run(inbox: Inbox) -> None:
    """Assert that nothing of the file is loaded, and that no file is refused."""
    load_result = inbox.land()
    assert ((), (), ()) == (load_result.loads, load_result.refused, loading.open_log(inbox.log_folder).loads)
    (warning,) = load_result.warnings
    (path,) = inbox.folder.glob("entries.*")
    assert f"crm: {path.name} is still being written; it waits for the next run" == warning


def test_a_file_that_grows_during_reading_is_left_for_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run reads it completely."""
    inbox = one_file(tmp_path, GOOD)
    grow = lengthening(tmp_path / "entries.csv", entry("L3"))
    with monkeypatch.context() as patched:
        patched.setattr(file_reader, "read", with_change_after(grow, file_reader.read))
        assert_left_for_next_run(inbox)
    assert 3 == inbox.land().loads[0].landed


def test_a_file_that_grows_during_the_scan_is_left_for_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its SHA-256 may be that of a part of the file."""
    inbox = one_file(tmp_path, GOOD)
    with monkeypatch.context() as patched:
        patched.setattr(
            formats,
            "scan_file",
            with_change_after(lengthening(tmp_path / "entries.csv", entry("L3")), formats.scan_file),
        )
        assert_left_for_next_run(inbox)
    assert 3 == inbox.land().loads[0].landed


@pytest.mark.parametrize("more", ['{"lead_id": "L2"}\n', '{"lead_id": "L2", "score": 7}\n'])
def test_json_lines_that_grow_between_two_scans_are_left_for_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str
) -> None:
    """A line or key that the first scan did not have is no error of the reader."""
    inbox = one_file(tmp_path, '{"lead_id":"L1","stage":"MQL","entered_at":"2026-01-05"}\n', "entries.jsonl")
    grow = lengthening(tmp_path / "entries.jsonl", more)
    with monkeypatch.context() as patched:
        patched.setattr(
            "pipeline.ingest.readers.json_lines.header_of", with_change_after(grow, file_reader.json_lines.header_of)
        )
        assert_left_for_next_run(inbox)
    assert {"no_stage": 1} == inbox.land().loads[0].rejected


def test_lines_that_do_not_add_up_stop_the_run(tmp_path: Path) -> None:
    """If the line count differs, the message has the file, and nothing of it is loaded."""
    path = (
        one_file(tmp_path, '{"lead_id":"L1","stage":"MQL","entered_at":"2026-01-05"}\n', "a.jsonl").folder / "a.jsonl"
    )
    (reads,) = Inbox(tmp_path).reads("a.jsonl").inputs
    file_scan = formats.scan_file(path, reads, tmp_path)
    with pytest.raises(InputError, match="2 lines do not add up: 1 are accounted for") as stopped:
        file_reader.read(connection_of_a_run(), replace(file_scan, lines=2), reads, tmp_path)
    assert str(path) == stopped.value.where


def test_the_volume_check_uses_the_weekday_of_the_waterfall(tmp_path: Path) -> None:
    """00:30 of a Monday in Tokyo is a Sunday in UTC."""
    inbox = Inbox(tmp_path, timezone="Asia/Tokyo").reads("*.csv", guard=Guard(least_rows=0.5))
    monday = datetime(2026, 3, 1, 15, 30, tzinfo=UTC)
    for week, leads in enumerate((4, 4, 4, 1)):
        inbox.put(f"{week}.csv", HEADER + "".join(entry(f"L{week}{lead}") for lead in range(leads)))
        clock = monday + timedelta(weeks=week)
        load_result = inbox.land(clock=clock, as_of=clock)
    assert ("crm: 1 row came, and 4 are usual on a Monday",) == load_result.dropped


def test_rows_that_were_not_written_stop_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the Parquet file has one row less than expected, nothing of the load is stored."""
    inbox = one_file(tmp_path, GOOD)
    write = classify.write
    monkeypatch.setattr(classify, "write", lambda *arguments: write(*arguments) - 1)
    with pytest.raises(InputError, match=r"entries\.csv: 2 rows were to be written and 1 were"):
        inbox.land()
    assert () == loading.open_log(inbox.log_folder).loads


def test_a_file_without_read_permission_is_refused_and_the_others_are_loaded(tmp_path: Path) -> None:
    """The message has the text of the system."""
    inbox = one_file(tmp_path / "in", GOOD)
    inbox.put("other.csv", HEADER + entry("L9"))
    inbox.reads("other.csv", name="other")
    (inbox.folder / "entries.csv").chmod(0)
    for folder in (tmp_path, inbox.folder):
        folder.chmod(0o777)
    with without_rights(inbox.folder):
        load_result = inbox.land()
    (refused,) = load_result.refused
    assert ("crm", str(inbox.folder / "entries.csv")) == (refused.input, refused.file)
    assert ("it can't be read: Permission denied", "check the file's rights") == (refused.reason, refused.next_step)
    assert ["other"] == [load.input for load in load_result.loads]


def test_a_file_that_vanished_while_it_was_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file was removed from the inbox."""
    inbox = one_file(tmp_path, GOOD)
    monkeypatch.setattr(formats, "scan_file", with_change_after((tmp_path / "entries.csv").unlink, formats.scan_file))
    (refused,) = inbox.land().refused
    assert "it can't be read: No such file or directory" == refused.reason


def test_a_file_size_limit_is_no_error_of_the_input_file(tmp_path: Path) -> None:
    """The file is not refused; the run stops, and nothing is in the log."""
    inbox = one_file(tmp_path, GOOD + entry("L3") * 2000, encoding="latin-1")
    with files_no_longer_than(10_000), pytest.raises(OSError, match="File too large") as failure:
        inbox.land()
    assert disk.is_limited(failure.value)
    assert () == loading.open_log(inbox.log_folder).loads
    assert [] == list(inbox.log_folder.iterdir())


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_full_disk_is_no_error_of_the_input_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """The rows of a large file are stored on the disk: if it is full, the file is neither read again nor called damaged."""
    content = GOOD.encode() if kind == "csv" else parquet(tmp_path / "x", 10)
    inbox = one_file(tmp_path / "in", content, f"entries.{kind}")
    monkeypatch.setattr(holding, "MAX_IN_MEMORY_BYTES", -1)
    with files_no_longer_than(0), pytest.raises(duckdb.Error) as failure:
        inbox.land()
    assert disk.is_limited(failure.value)
    assert () == loading.open_log(inbox.log_folder).loads


def test_too_little_memory_is_no_error_of_a_parquet_file(tmp_path: Path) -> None:
    """The file is not called damaged."""
    (tmp_path / "a.parquet").write_bytes(parquet(tmp_path / "x", 300_000, "md5(range::varchar)"))
    (reads,) = Inbox(tmp_path).reads("a.parquet").inputs
    connection = connection_of_a_run()
    connection.execute("set temp_directory = ''; set memory_limit = '6MB'")
    with pytest.raises(duckdb.OutOfMemoryException):
        file_reader.read(connection, formats.scan_file(tmp_path / "a.parquet", reads, tmp_path), reads, tmp_path)


def test_a_parquet_file_with_a_wrong_number_of_rows_is_refused(tmp_path: Path) -> None:
    """Its footer has 1001 rows and its row group 1000, so the right number is unknown."""
    content = parquet(tmp_path / "x", 1000)
    rows_of_the_file, one_more = b"\x16\xd0\x0f\x19", b"\x16\xd2\x0f\x19"  # Thrift: an i64, zigzag, then a list
    assert 1 == content.count(rows_of_the_file)
    inbox = one_file(tmp_path / "in", content.replace(rows_of_the_file, one_more), "a.parquet")
    expected = "the Parquet file has another number of rows than its metadata says | export or upload it again"
    assert expected == refusal(inbox)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("cut\n", "a line that does not fit"),
        ('L3,MQL,2026-01-05,"da\nna"\n', "line ends inside quotes"),
        ("L3,MQL,2026-01-05,da\0na\n", "a NUL byte"),
    ],
)
def test_why_a_file_was_read_line_by_line_is_reported(tmp_path: Path, line: str, why: str) -> None:
    """The reason is a warning of the load."""
    (load,) = one_file(tmp_path, GOOD + line).land().loads
    assert f"read line by line, since DuckDB's reader could not account for every line ({why})" == load.warnings[0]


@pytest.mark.parametrize(
    ("header", "theirs", "hint"),
    [
        ("owner", "Rep", "; did you mean `owner`?"),
        ("OwnerName", "Owner Name", "; did you mean `OwnerName`?"),
        ("who", "Rep", ""),
    ],
)
def test_a_mapped_column_that_is_missing_is_reported(tmp_path: Path, header: str, theirs: str, hint: str) -> None:
    """The column is empty, and the warning has the nearest header."""
    inbox = one_file(tmp_path, GOOD.replace("owner", header), columns={"owner": theirs})
    (warning,) = inbox.land().warnings
    assert (
        f"crm: entries.csv: column `{theirs}`, configured as owner, is not in the file; owner is empty{hint}" == warning
    )
    assert [(None,)] == inbox.rows("select distinct owner from raw.stage_entries")


def test_a_year_after_a_leap_day_is_28_february(tmp_path: Path) -> None:
    """The limit is exact to the second: a later row keeps its original line, because the models reject it."""
    times = ("2029-02-28T12:00:00Z", "2029-02-28T12:00:01Z")
    inbox = one_file(tmp_path, HEADER + "".join(entry(f"L{number}", entered_at=at) for number, at in enumerate(times)))
    inbox.land(as_of=datetime(2028, 2, 29, 12, tzinfo=UTC))
    assert [("L0", None), ("L1", f"L1,MQL,{times[1]},dana")] == inbox.rows(
        "select lead_id, original from raw.stage_entries order by lead_id"
    )


def test_a_clock_without_a_zone_is_utc(tmp_path: Path) -> None:
    """The log has the time in UTC."""
    (load,) = one_file(tmp_path, GOOD).land(clock=CLOCK.replace(tzinfo=None)).loads
    assert CLOCK.replace(tzinfo=None) == load.loaded_at


def test_refusals_are_reported_with_their_next_step() -> None:
    """Each refusal is one line of the command."""
    assert "crm: a.csv: it is empty\n  next: export it again" == str(
        loading.RefusedFile("crm", "a.csv", "it is empty", "export it again")
    )
    assert "it is empty" == str(FileRefusedError("it is empty", "export it again"))


@pytest.mark.parametrize(
    ("name", "content", "numbers"),
    [
        ("a.csv", GOOD, [1, 2]),
        ("a.csv", GOOD + "cut\n" + entry("L4"), [1, 2, 4]),
        ("a.jsonl", '{"lead_id": "L1", "stage": "MQL", "entered_at": "2026-01-05"}\n' * 2, [1, 2]),
    ],
)
def test_rows_in_memory_and_on_the_disk_are_equal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str, numbers: list[int]
) -> None:
    """This is so for any size of the file and any reader."""
    (tmp_path / name).write_text(content)
    (reads,) = Inbox(tmp_path).reads(name).inputs
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    delivered_rows: list[tuple[ParsedFile, list[Any]]] = []
    for size in (holding.MAX_IN_MEMORY_BYTES, -1):
        monkeypatch.setattr(holding, "MAX_IN_MEMORY_BYTES", size)
        connection = connection_of_a_run()
        delivered = file_reader.read(connection, formats.scan_file(tmp_path / name, reads, tmp_path), reads, tmp_path)
        delivered_rows.append((delivered, connection.execute("from landing_rows order by row_number").fetchall()))
    assert delivered_rows[0] == delivered_rows[1]
    assert numbers == [row[0] for row in delivered_rows[0][1]]
    assert [] == list(elsewhere.iterdir())
