"""Landing where a file changes, vanishes or can't be read, and where the disk, the memory or the sums say no."""

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


def then(change: Callable[[], object], act: Callable[..., Any]) -> Callable[..., Any]:
    """What is done, with a real change of the disk right after it."""

    def done(*given: Any) -> Any:
        found = act(*given)
        change()
        return found

    return done


def lengthened(path: Path, more: str) -> Callable[[], object]:
    def lengthen() -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(more)

    return lengthen


def waits(inbox: Inbox) -> None:
    """Nothing of the file is kept, and it is no fault of anybody."""
    landed = inbox.land()
    assert ((), (), ()) == (landed.loads, landed.refused, loading.open_log(inbox.log_folder).loads)
    (warning,) = landed.warnings
    (path,) = inbox.folder.glob("entries.*")
    assert f"crm: {path.name} is still being written; it waits for the next run" == warning


def test_a_file_that_grew_while_its_rows_were_read_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next run reads it whole."""
    inbox = one_file(tmp_path, GOOD)
    grow = lengthened(tmp_path / "entries.csv", entry("L3"))
    with monkeypatch.context() as patched:
        patched.setattr(file_reader, "read", then(grow, file_reader.read))
        waits(inbox)
    assert 3 == inbox.land().loads[0].landed


def test_a_file_that_grew_while_it_was_looked_at_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its SHA-256 may be that of a part."""
    inbox = one_file(tmp_path, GOOD)
    with monkeypatch.context() as patched:
        patched.setattr(
            formats, "scan_file", then(lengthened(tmp_path / "entries.csv", entry("L3")), formats.scan_file)
        )
        waits(inbox)
    assert 3 == inbox.land().loads[0].landed


@pytest.mark.parametrize("more", ['{"lead_id": "L2"}\n', '{"lead_id": "L2", "score": 7}\n'])
def test_json_lines_that_grew_between_two_looks_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str
) -> None:
    """A line, or a key, that the first look did not see fits nothing; it is no fault of the reader either."""
    inbox = one_file(tmp_path, '{"lead_id":"L1","stage":"MQL","entered_at":"2026-01-05"}\n', "entries.jsonl")
    grow = lengthened(tmp_path / "entries.jsonl", more)
    with monkeypatch.context() as patched:
        patched.setattr("pipeline.ingest.readers.json_lines.header_of", then(grow, file_reader.json_lines.header_of))
        waits(inbox)
    assert {"no_stage": 1} == inbox.land().loads[0].rejected


def test_lines_that_do_not_add_up_stop_the_run(tmp_path: Path) -> None:
    """A count of another line than there is: the file is named, and nothing of it is handed on."""
    path = (
        one_file(tmp_path, '{"lead_id":"L1","stage":"MQL","entered_at":"2026-01-05"}\n', "a.jsonl").folder / "a.jsonl"
    )
    (reads,) = Inbox(tmp_path).reads("a.jsonl").inputs
    found = formats.scan_file(path, reads, tmp_path)
    with pytest.raises(InputError, match="2 lines do not add up: 1 are accounted for") as stopped:
        file_reader.read(connection_of_a_run(), replace(found, lines=2), reads, tmp_path)
    assert str(path) == stopped.value.where


def test_a_delivery_is_judged_by_the_weekday_of_the_waterfall(tmp_path: Path) -> None:
    """Half past midnight on a Monday in Tokyo is a Sunday in UTC."""
    inbox = Inbox(tmp_path, timezone="Asia/Tokyo").reads("*.csv", guard=Guard(least_rows=0.5))
    monday = datetime(2026, 3, 1, 15, 30, tzinfo=UTC)
    for week, leads in enumerate((4, 4, 4, 1)):
        inbox.put(f"{week}.csv", HEADER + "".join(entry(f"L{week}{lead}") for lead in range(leads)))
        clock = monday + timedelta(weeks=week)
        landed = inbox.land(clock=clock, as_of=clock)
    assert ("crm: 1 row came, and 4 are usual on a Monday",) == landed.dropped


def test_rows_that_were_not_written_stop_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One row fewer in the Parquet file than was to be there: nothing of the load becomes real."""
    inbox = one_file(tmp_path, GOOD)
    write = classify.write
    monkeypatch.setattr(classify, "write", lambda *given: write(*given) - 1)
    with pytest.raises(InputError, match=r"entries\.csv: 2 rows were to be written and 1 were"):
        inbox.land()
    assert () == loading.open_log(inbox.log_folder).loads


def test_a_file_without_the_right_to_read_it_is_refused_and_the_others_continue(tmp_path: Path) -> None:
    """In the system's words."""
    inbox = one_file(tmp_path / "in", GOOD)
    inbox.put("other.csv", HEADER + entry("L9"))
    inbox.reads("other.csv", name="other")
    (inbox.folder / "entries.csv").chmod(0)
    for folder in (tmp_path, inbox.folder):
        folder.chmod(0o777)
    with without_rights(inbox.folder):
        landed = inbox.land()
    (refused,) = landed.refused
    assert ("crm", str(inbox.folder / "entries.csv")) == (refused.input, refused.file)
    assert ("it can't be read: Permission denied", "check the file's rights") == (refused.reason, refused.next_step)
    assert ["other"] == [load.input for load in landed.loads]


def test_a_file_that_vanished_while_it_was_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody tidied the inbox."""
    inbox = one_file(tmp_path, GOOD)
    monkeypatch.setattr(formats, "scan_file", then((tmp_path / "entries.csv").unlink, formats.scan_file))
    (refused,) = inbox.land().refused
    assert "it can't be read: No such file or directory" == refused.reason


def test_a_copy_that_may_not_grow_is_no_fault_of_the_file(tmp_path: Path) -> None:
    """The file is not refused, the run stops; nothing of it is in the log."""
    inbox = one_file(tmp_path, GOOD + entry("L3") * 2000, encoding="latin-1")
    with files_no_longer_than(10_000), pytest.raises(OSError, match="File too large") as failure:
        inbox.land()
    assert disk.is_limited(failure.value)
    assert () == loading.open_log(inbox.log_folder).loads
    assert [] == list(inbox.log_folder.iterdir())


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_rows_beyond_the_disk_space_are_no_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The rows of a big file wait on the disk: where it is full, the file is neither read again nor called damaged."""
    content = GOOD.encode() if kind == "csv" else parquet(tmp_path / "x", 10)
    inbox = one_file(tmp_path / "in", content, f"entries.{kind}")
    monkeypatch.setattr(holding, "MAX_IN_MEMORY_BYTES", -1)
    with files_no_longer_than(0), pytest.raises(duckdb.Error) as failure:
        inbox.land()
    assert disk.is_limited(failure.value)
    assert () == loading.open_log(inbox.log_folder).loads


def test_too_little_memory_is_no_fault_of_a_parquet_file(tmp_path: Path) -> None:
    """It is not called damaged."""
    (tmp_path / "a.parquet").write_bytes(parquet(tmp_path / "x", 300_000, "md5(range::varchar)"))
    (reads,) = Inbox(tmp_path).reads("a.parquet").inputs
    connection = connection_of_a_run()
    connection.execute("set temp_directory = ''; set memory_limit = '6MB'")
    with pytest.raises(duckdb.OutOfMemoryException):
        file_reader.read(connection, formats.scan_file(tmp_path / "a.parquet", reads, tmp_path), reads, tmp_path)


def test_a_parquet_file_that_promises_another_number_of_rows_is_refused(tmp_path: Path) -> None:
    """Its footer says 1001, its row group says 1000 and holds them: nobody knows which is true."""
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
    """As a warning of the load."""
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
def test_a_column_that_the_configuration_maps_in_vain_is_reported(
    tmp_path: Path, header: str, theirs: str, hint: str
) -> None:
    """And is empty; the nearest header is offered."""
    inbox = one_file(tmp_path, GOOD.replace("owner", header), columns={"owner": theirs})
    (warning,) = inbox.land().warnings
    assert (
        f"crm: entries.csv: column `{theirs}`, configured as owner, is not in the file; owner is empty{hint}" == warning
    )
    assert [(None,)] == inbox.rows("select distinct owner from raw.stage_entries")


def test_a_year_after_a_leap_day_is_28_february(tmp_path: Path) -> None:
    """To the second: what is later keeps its original line, since the models will reject it."""
    times = ("2029-02-28T12:00:00Z", "2029-02-28T12:00:01Z")
    inbox = one_file(tmp_path, HEADER + "".join(entry(f"L{number}", entered_at=at) for number, at in enumerate(times)))
    inbox.land(as_of=datetime(2028, 2, 29, 12, tzinfo=UTC))
    assert [("L0", None), ("L1", f"L1,MQL,{times[1]},dana")] == inbox.rows(
        "select lead_id, original from raw.stage_entries order by lead_id"
    )


def test_a_clock_without_a_zone_is_utc(tmp_path: Path) -> None:
    """As it is told in the log."""
    (load,) = one_file(tmp_path, GOOD).land(clock=CLOCK.replace(tzinfo=None)).loads
    assert CLOCK.replace(tzinfo=None) == load.loaded_at


def test_refusals_are_reported_with_their_next_step() -> None:
    """One line each, as the command prints them."""
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
def test_rows_in_memory_and_on_the_disk_are_delivered_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str, numbers: list[int]
) -> None:
    """Whatever the size of the file, and anyone who reads it."""
    (tmp_path / name).write_text(content)
    (reads,) = Inbox(tmp_path).reads(name).inputs
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    held: list[tuple[ParsedFile, list[Any]]] = []
    for size in (holding.MAX_IN_MEMORY_BYTES, -1):
        monkeypatch.setattr(holding, "MAX_IN_MEMORY_BYTES", size)
        connection = connection_of_a_run()
        delivered = file_reader.read(connection, formats.scan_file(tmp_path / name, reads, tmp_path), reads, tmp_path)
        held.append((delivered, connection.execute("from landing_rows order by row_number").fetchall()))
    assert held[0] == held[1]
    assert numbers == [row[0] for row in held[0][1]]
    assert [] == list(elsewhere.iterdir())
