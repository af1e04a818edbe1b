"""docs/FAULTS.md, the rows about values and types: ids, nulls, times, stages, Parquet."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from delivery import HEADER, Inbox, entry, one_file, refusal


def test_f55_leading_zeros_stay(tmp_path: Path) -> None:
    """An id is text."""
    inbox = one_file(tmp_path, HEADER + entry("0017") + entry("1e5"))
    inbox.land()
    assert ["0017", "1e5"] == inbox.leads()


def test_f56_configured_nulls(tmp_path: Path) -> None:
    """They are empty; in a required column that rejects the row."""
    content = HEADER + entry("L1", owner="N/A") + entry("NULL") + entry("L3", owner="") + entry("L4", owner="NULL")
    inbox = one_file(tmp_path, content, null_values=("", "NULL", "N/A"))
    inbox.land()
    assert [("L1", None), ("L3", None), ("L4", None)] == inbox.rows("select lead_id, owner from raw.stage_entries")
    assert [(2, "no_lead", "NULL,MQL,2026-01-05T14:00:00Z,dana")] == inbox.rejected()


def test_f57_only_the_declared_format_is_read(tmp_path: Path) -> None:
    """Month and day are never guessed from the values."""
    content = HEADER + entry("L1", entered_at="03/04/2026") + entry("L2", entered_at="25/04/2026")
    inbox = one_file(tmp_path / "a", content, time_format="%d/%m/%Y")
    inbox.land()
    assert [(datetime(2026, 4, 3),), (datetime(2026, 4, 25),)] == inbox.rows("select entered_at from raw.stage_entries")
    assert {"unreadable_time": 1} == one_file(tmp_path / "b", content, time_format="%m/%d/%Y").land().loads[0].rejected
    assert {"unreadable_time": 2} == one_file(tmp_path / "c", content).land().loads[0].rejected


def test_f58_an_offset_is_converted(tmp_path: Path) -> None:
    """To the right instant, whatever the input's zone."""
    content = HEADER + entry("L1", entered_at="2026-01-05T14:00:00+05:30")
    inbox = one_file(tmp_path, content, timezone="America/New_York")
    inbox.land()
    assert [(datetime(2026, 1, 5, 8, 30),)] == inbox.rows("select entered_at from raw.stage_entries")


def test_f59_a_naive_time_is_read_in_the_inputs_zone(tmp_path: Path) -> None:
    """Which the manifest names."""
    content = HEADER + entry("L1", entered_at="2026-07-05 14:00")
    inbox = one_file(tmp_path, content, timezone="America/New_York")
    (load,) = inbox.land().loads
    assert "America/New_York" == load.reading["timezone"]
    assert [(datetime(2026, 7, 5, 18),)] == inbox.rows("select entered_at from raw.stage_entries")


def test_f60_gap_and_overlap_are_counted(tmp_path: Path) -> None:
    """First valid instant; earlier of two."""
    content = HEADER + entry("L1", entered_at="2026-03-08 02:30") + entry("L2", entered_at="2026-11-01 01:30")
    inbox = one_file(tmp_path, content, timezone="America/New_York")
    (load,) = inbox.land().loads
    assert (1, 1) == (load.gaps, load.overlaps)
    expected = [(datetime(2026, 3, 8, 7), "gap"), (datetime(2026, 11, 1, 5, 30), "overlap")]
    assert expected == inbox.rows("select entered_at, time_note from raw.stage_entries order by row_number")


def test_f61_numbers_are_times_only_if_declared(tmp_path: Path) -> None:
    """Epoch seconds, milliseconds, Excel serials."""
    for number, (text, time_format) in enumerate(
        [("1767621600", "epoch_s"), ("1767621600000", "epoch_ms"), ("46027.5833333333", "excel")]
    ):
        content = HEADER + entry("L1", entered_at=text)
        assert {"unreadable_time": 1} == one_file(tmp_path / f"a{number}", content).land().loads[0].rejected
        inbox = one_file(tmp_path / f"b{number}", content, time_format=time_format)
        inbox.land()
        assert [(datetime(2026, 1, 5, 14),)] == inbox.rows("select entered_at from raw.stage_entries")


def test_f62_impossible_years_are_quarantined(tmp_path: Path) -> None:
    """And the edge of the range is inside."""
    years = ["0026-01-01", "9999-12-31", "0001-01-01", "1999-12-31T23:59:59Z", "2000-01-01", "infinity", "2100-01-01"]
    inbox = one_file(tmp_path, HEADER + "".join(entry(f"L{n}", entered_at=year) for n, year in enumerate(years)))
    assert {"time_out_of_range": 5, "unreadable_time": 1} == inbox.land().loads[0].rejected
    assert ["L4"] == inbox.leads()


def test_f63_a_future_entry_is_landed(tmp_path: Path) -> None:
    """The models decide at each run; the text of one more than a year ahead is kept, since they will reject it."""
    ahead = ["2026-05-01", "2027-03-31T00:00:00Z", "2028-01-01"]
    inbox = one_file(tmp_path, HEADER + "".join(entry(f"L{n}", entered_at=day) for n, day in enumerate(ahead)))
    inbox.land(as_of=datetime(2026, 4, 1, tzinfo=UTC))
    expected = [("L0", None), ("L1", None), ("L2", "L2,MQL,2028-01-01,dana")]
    assert expected == inbox.rows("select lead_id, original from raw.stage_entries order by row_number")


def test_f64_an_unknown_stage_is_landed_with_its_text_every_time(tmp_path: Path) -> None:
    """So that the models reject it each time, and a corrected alias brings it in from the log."""
    inbox = one_file(tmp_path, HEADER + entry("L1") + entry("L2", "Banana"))
    (load,) = inbox.land().loads
    assert any("1 row names a stage" in warning for warning in load.warnings)
    assert any("Banana" in warning for warning in load.warnings)  # its alias must be written
    inbox.put("entries.csv", HEADER + entry("L1") + entry("L2", "Banana") + entry("L3"))
    (load,) = inbox.land().loads
    assert (1, 2) == (load.redelivered, load.landed)
    expected = [("banana", "L2,Banana,2026-01-05T14:00:00Z,dana")] * 2
    assert expected == inbox.rows("select stage_alias, original from raw.stage_entries where original is not null")


def test_f65_stage_spelling_is_normalised_and_told(tmp_path: Path) -> None:
    """Case, spaces, no-break and zero-width characters."""
    spellings = ["mql ", "M\u200bQL", "marketing\u00a0 Qualified", "ACCEPTED\tLEAD"]
    inbox = one_file(tmp_path, HEADER + "".join(entry(f"L{n}", stage) for n, stage in enumerate(spellings)))
    (load,) = inbox.land().loads
    assert any("3 rows spell a stage" in warning for warning in load.warnings)
    expected = [("mql",), ("mql",), ("marketing qualified",), ("accepted lead",)]
    assert expected == inbox.rows("select stage_alias from raw.stage_entries order by row_number")


def test_f71_a_row_without_a_lead_is_quarantined(tmp_path: Path) -> None:
    """Also if there is only space in it."""
    inbox = one_file(tmp_path, HEADER + entry("") + entry("  ") + entry("L3"))
    assert {"no_lead": 2} == inbox.land().loads[0].rejected


def parquet(path: Path, query: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    duckdb.execute(f"copy ({query}) to '{path}' (format parquet)")
    return path


ENTRIES = (
    "select 'L' || range as lead_id, 'MQL' as stage, timestamp '2026-01-05 14:00:00' as entered_at from range(3000)"
)


@pytest.mark.parametrize("damage", ["cut", "footer", "magic"])
def test_f73_a_broken_parquet_is_refused(tmp_path: Path, damage: str) -> None:
    """Cut short, with a damaged footer, or no Parquet at all."""
    content = parquet(tmp_path / "whole" / "a.parquet", ENTRIES).read_bytes()
    broken = {
        "cut": content[: len(content) // 2],
        "footer": content[:-8] + b"\xff\xff\xff\x7f" + content[-4:],
        "magic": b"lead_id,stage\n",
    }[damage]
    assert "Parquet" in refusal(one_file(tmp_path, broken, "a.parquet"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("timestamp '2026-01-05 14:00:00'", datetime(2026, 1, 5, 14)),
        ("timestamptz '2026-01-05 14:00:00+02'", datetime(2026, 1, 5, 12)),
        ("date '2026-01-05'", datetime(2026, 1, 5)),
        ("'05.01.2026 14:00'", datetime(2026, 1, 5, 14)),
    ],
)
def test_f75_a_time_of_parquet_needs_no_format(tmp_path: Path, value: str, expected: datetime) -> None:
    """The format that the input declares is that of its text."""
    parquet(tmp_path / "a.parquet", f"select 'L1' as lead_id, 'MQL' as stage, {value} as entered_at")
    inbox = Inbox(tmp_path).reads("a.parquet", time_format="%d.%m.%Y %H:%M")
    inbox.land()
    assert [(expected,)] == inbox.rows("select entered_at from raw.stage_entries")


@pytest.mark.parametrize("kind", ["double", "float"])
def test_f75_an_id_that_became_a_float_is_the_id(tmp_path: Path, kind: str) -> None:
    """As a writer does that met a null; what no whole number is stays as it is, and NaN is none."""
    ids = f"(values (123::{kind}), ('nan'::{kind}), (0.5::{kind})) as ids (lead_id)"
    parquet(tmp_path / "a.parquet", f"select lead_id, 'MQL' as stage, '2026-01-05' as entered_at from {ids}")
    inbox = Inbox(tmp_path).reads("a.parquet")
    inbox.land()
    assert ["123", "0.5"] == inbox.leads()
    assert [(2, "no_lead")] == [row[:2] for row in inbox.rejected()]


def test_f75_parquet_types_may_differ_from_file_to_file(tmp_path: Path) -> None:
    """Every value is text before it is typed: ids as numbers, times with a zone, as dates, as text."""
    queries = [
        "select 1 as lead_id, 'MQL' as stage, timestamp '2026-01-05 14:00:00' as entered_at",
        "select 2.0::double as lead_id, 'MQL' as stage, timestamptz '2026-01-05 14:00:00+02' as entered_at",
        "select '3' as lead_id, 'MQL' as stage, date '2026-01-05' as entered_at",
        "select '4' as lead_id, 'MQL' as stage, '2026-01-05T14:00:00Z' as entered_at",
        "select '5' as lead_id, 'MQL' as stage, 'soon' as entered_at, true as \"Is Hot\"",
    ]
    inbox = Inbox(tmp_path).reads("*.parquet", timezone="America/New_York")
    for number, query in enumerate(queries):
        parquet(tmp_path / f"{number}.parquet", query)
    inbox.land()
    expected = [
        ("1", datetime(2026, 1, 5, 19)),
        ("2", datetime(2026, 1, 5, 12)),
        ("3", datetime(2026, 1, 5, 5)),
        ("4", datetime(2026, 1, 5, 14)),
    ]
    assert expected == inbox.rows("select lead_id, entered_at from raw.stage_entries order by lead_id")
    original = '{"lead_id":"5","stage":"MQL","entered_at":"soon","Is Hot":true}'
    assert [(1, "unreadable_time", original)] == inbox.rejected()


def test_f57_formats_of_a_list_may_differ_in_what_they_know_of_the_zone(tmp_path: Path) -> None:
    """A local pattern is read in the input's zone, seconds since 1970 are UTC; each text by the first format that reads it."""
    rows = entry("L1", entered_at="05.01.2026 14:00") + entry("L2", entered_at="1767625200")
    inbox = one_file(tmp_path, HEADER + rows, timezone="Europe/Berlin", time_format=("%d.%m.%Y %H:%M", "epoch_s"))
    (load,) = inbox.land().loads
    assert (2, {}) == (load.landed, load.rejected)
    expected = [("L1", datetime(2026, 1, 5, 13)), ("L2", datetime(2026, 1, 5, 15))]
    assert expected == inbox.rows("select lead_id, entered_at from raw.stage_entries order by row_number")


def test_f61_seconds_and_milliseconds_in_one_file(tmp_path: Path) -> None:
    """Both count from 1970 in UTC, so what tells them apart is how many digits there are."""
    rows = entry("L1", entered_at="1767625200") + entry("L2", entered_at="1767625200000")
    inbox = one_file(tmp_path, HEADER + rows, time_format=("epoch_s", "epoch_ms"))
    inbox.land()
    assert [(datetime(2026, 1, 5, 15),)] == inbox.rows("select distinct entered_at from raw.stage_entries")
