"""Of a list of time formats: how many rows each read, and which texts two of them read as different times."""

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
    """A format that reads no row is left out, and so are rejected rows, whatever the reason."""
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
    """Rows that an earlier load had count, too: the sum is redelivered + duplicates + landed."""
    inbox = one_file(tmp_path, history("2026-01-05", "01/07/2026"), time_format=FORMATS)
    inbox.land()
    inbox.put("entries.csv", history("2026-01-05", "01/07/2026", "1767607200"))
    (load,) = inbox.land().loads
    assert {"entered_at": {"iso": 1, US: 1, "epoch_s": 1}} == load.time_formats
    assert (2, 0, 1) == (load.redelivered, load.duplicates, load.landed)


def test_each_time_column_has_its_counts(tmp_path: Path) -> None:
    """An empty time that is not required is read by no format."""
    content = "lead_id,stage,entered_at,record_created_at\nL1,MQL,01/07/2026,2026-01-01\nL2,MQL,01/08/2026,\n"
    (load,) = one_file(tmp_path, content, time_format=FORMATS).land().loads
    assert {"entered_at": {US: 2}, "record_created_at": {"iso": 1}} == load.time_formats


@pytest.mark.parametrize("time_format", [None, "iso", US, ("iso",), (US, US)])
def test_one_format_is_not_counted(tmp_path: Path, time_format: str | tuple[str, ...] | None) -> None:
    """Nor does it cost a column."""
    content = history("01/07/2026" if time_format and US in time_format else "2026-01-07")
    inbox = one_file(tmp_path, content, time_format=time_format)
    (load,) = inbox.land().loads
    assert ({}, 1) == (load.time_formats, load.landed)
    read = times.time_sql("given", "UTC", time_format)
    assert ((), ()) == (read.tries, read.formats)


def test_a_timestamp_of_parquet_has_no_format(tmp_path: Path) -> None:
    """It is no text, whatever list the input has."""
    query = "select 'L1' as lead_id, 'MQL' as stage, timestamp '2026-01-05' as entered_at"
    duckdb.execute(f"copy ({query}) to '{tmp_path / 'a.parquet'}' (format parquet)")
    (load,) = Inbox(tmp_path).reads("a.parquet", time_format=FORMATS).land().loads
    assert ({}, 1) == (load.time_formats, load.landed)


def test_a_file_that_does_not_stay_in_memory_is_counted_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rows wait in a file of their own."""
    monkeypatch.setattr("pipeline.ingest.readers.holding.MAX_IN_MEMORY_BYTES", 0)
    (load,) = one_file(tmp_path, history("2026-01-05", "01/07/2026"), time_format=FORMATS).land().loads
    assert {"entered_at": {"iso": 1, US: 1}} == load.time_formats


def test_a_load_of_before_the_counts_is_read(tmp_path: Path) -> None:
    """Its manifest lacks the key."""
    inbox = one_file(tmp_path, history("2026-01-05"), time_format=FORMATS)
    (load,) = inbox.land().loads
    path = inbox.log_folder / load.folder / landing_log.MANIFEST
    held = json.loads(path.read_text("utf-8"))
    path.write_text(
        json.dumps({key: held[key] for key in held if key not in ("time_formats", "sums", "seal")}), "utf-8"
    )
    (older,) = loading.open_log(inbox.log_folder).loads
    assert ({}, load.landed) == (older.time_formats, older.landed)


def test_times_that_two_formats_read_differently_are_reported(tmp_path: Path) -> None:
    """With the line for files where the second is meant; 05/05/2026 is one day in both, and 25/01/2026 fits one."""
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
def test_formats_that_look_alike(formats: tuple[str, ...], pairs: list[tuple[str, str]]) -> None:
    """Those whose numbers only change places."""
    assert pairs == times.ambiguous_pairs(formats)
