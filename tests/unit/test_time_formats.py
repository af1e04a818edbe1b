"""Lists of time formats: the rows that each format read, and texts that two formats read as different times."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from delivery import HEADER, Inbox, entry, one_file

from pipeline.ingest.landing import landing_log, loading
from pipeline.ingest.rows import times

US, EUROPE = "%m/%d/%Y", "%d/%m/%Y"
FORMATS = ("iso", US, "epoch_s")


def history(*moments: str) -> str:
    """A row of history for each of these times."""
    return HEADER + "".join(entry(f"L{number}", entered_at=each) for number, each in enumerate(moments))


def test_rows_are_counted_by_the_format_that_read_them(tmp_path: Path) -> None:
    """Formats without rows and rejected rows are not counted."""
    content = history("2026-01-05", "2026-01-06T10:00Z", "01/07/2026", "soon", "31/01/2026") + ",MQL,01/09/2026,dana\n"
    inbox = one_file(tmp_path, content, time_format=FORMATS)
    (load,) = inbox.land().loads
    assert {"entered_at": {"iso": 2, US: 1}} == load.time_formats
    assert (3, {"unreadable_time": 2, "no_lead": 1}) == (load.landed, load.rejected)
    assert load.time_formats == load.counts["time_formats"]
    assert [load] == list(loading.open_log(inbox.log_folder).loads)
    expected = [(datetime(2026, 1, 5),), (datetime(2026, 1, 6, 10),), (datetime(2026, 1, 7),)]
    assert expected == inbox.rows("select entered_at from raw.stage_entries order by row_number")


def test_the_counts_are_those_of_the_accepted_rows(tmp_path: Path) -> None:
    """Rows of an earlier load count too: the sum is redelivered + duplicates + landed."""
    inbox = one_file(tmp_path, history("2026-01-05", "01/07/2026"), time_format=FORMATS)
    inbox.land()
    inbox.put("entries.csv", history("2026-01-05", "01/07/2026", "1767607200"))
    (load,) = inbox.land().loads
    assert {"entered_at": {"iso": 1, US: 1, "epoch_s": 1}} == load.time_formats
    assert (2, 0, 1) == (load.redelivered, load.duplicates, load.landed)


def test_each_time_column_has_its_counts(tmp_path: Path) -> None:
    """An empty optional time has no format."""
    content = "lead_id,stage,entered_at,record_created_at\nL1,MQL,01/07/2026,2026-01-01\nL2,MQL,01/08/2026,\n"
    (load,) = one_file(tmp_path, content, time_format=FORMATS).land().loads
    assert {"entered_at": {US: 2}, "record_created_at": {"iso": 1}} == load.time_formats


@pytest.mark.parametrize("time_format", [None, "iso", US, ("iso",), (US, US)])
def test_a_single_format_is_not_counted(tmp_path: Path, time_format: str | tuple[str, ...] | None) -> None:
    """It adds no column."""
    content = history("01/07/2026" if time_format and US in time_format else "2026-01-07")
    inbox = one_file(tmp_path, content, time_format=time_format)
    (load,) = inbox.land().loads
    assert ({}, 1) == (load.time_formats, load.landed)
    read = times.time_sql("given", "UTC", time_format)
    assert ((), ()) == (read.tries, read.formats)


def test_a_timestamp_of_parquet_has_no_format(tmp_path: Path) -> None:
    """It is no text, so the list of the input does not apply."""
    query = "select 'L1' as lead_id, 'MQL' as stage, timestamp '2026-01-05' as entered_at"
    duckdb.execute(f"copy ({query}) to '{tmp_path / 'a.parquet'}' (format parquet)")
    (load,) = Inbox(tmp_path).reads("a.parquet", time_format=FORMATS).land().loads
    assert ({}, 1) == (load.time_formats, load.landed)


def test_a_file_larger_than_the_memory_has_the_same_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rows are stored in a file."""
    monkeypatch.setattr("pipeline.ingest.readers.holding.MAX_IN_MEMORY_BYTES", 0)
    (load,) = one_file(tmp_path, history("2026-01-05", "01/07/2026"), time_format=FORMATS).land().loads
    assert {"entered_at": {"iso": 1, US: 1}} == load.time_formats


def test_a_load_of_an_earlier_version_has_no_counts(tmp_path: Path) -> None:
    """Its manifest has no such key and is read."""
    inbox = one_file(tmp_path, history("2026-01-05"), time_format=FORMATS)
    (load,) = inbox.land().loads
    path = inbox.log_folder / load.folder / landing_log.MANIFEST
    content = json.loads(path.read_text("utf-8"))
    path.write_text(
        json.dumps({key: content[key] for key in content if key not in ("time_formats", "sums", "seal")}), "utf-8"
    )
    (older,) = loading.open_log(inbox.log_folder).loads
    assert ({}, load.landed) == (older.time_formats, older.landed)


def test_times_that_two_formats_read_differently_are_reported(tmp_path: Path) -> None:
    """The warning has the setting for the second format; 05/05/2026 is the same day in both, and 25/01/2026 fits one."""
    content = history("01/02/2026", "01/03/2026", "05/05/2026", "25/01/2026", "2026-01-05")
    (load,) = one_file(tmp_path, content, time_format=("iso", US, EUROPE)).land().loads
    assert {"entered_at": {"iso": 1, US: 3, EUROPE: 1}} == load.time_formats
    assert (
        f"2 of 5 times in entered_at fit both `{US}` and `{EUROPE}`, which read different days; the first is used\n"
        f'    time_format = "{EUROPE}"   # in an [[inputs]] block of their own, for files of input crm where the second '
        "is meant",
    ) == load.warnings


@pytest.mark.parametrize(
    ("formats", "pairs"),
    [
        ((US, EUROPE), [(US, EUROPE)]),
        (("%d.%m.%y", "iso", "%y.%m.%d"), [("%d.%m.%y", "%y.%m.%d")]),
        (("%m/%d/%Y %H:%M", EUROPE, "epoch_s", "excel"), []),
        (("%m/%d/%y", US), []),
        (("%d-%b-%Y", "%b-%d-%Y"), []),
    ],
)
def test_formats_with_swapped_numbers_are_ambiguous(formats: tuple[str, ...], pairs: list[tuple[str, str]]) -> None:
    """Formats are ambiguous if only the order of their numbers differs."""
    assert pairs == times.ambiguous_pairs(formats)
