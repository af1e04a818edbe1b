"""Several files of one input: repeated files, overlapping exports, other columns, unusual names and links."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from delivery import CLOCK, HEADER, Inbox, entry, one_file

from tests.faults.input_files import GOOD
from tests.faults.input_values import parquet


def test_a_file_delivered_twice_adds_nothing(tmp_path: Path) -> None:
    """F26: The second run logs the file and creates no load."""
    inbox = one_file(tmp_path, GOOD)
    inbox.land()
    again = inbox.land()
    assert ((), 1, 3) == (again.loads, len(again.already_loaded), len(inbox.leads()))
    assert any("0 new rows" in line for line in inbox.log_lines)


def test_the_same_content_by_another_name_adds_nothing(tmp_path: Path) -> None:
    """F27: The content decides, not the name."""
    inbox = one_file(tmp_path, GOOD, "a.csv")
    inbox.inputs = ()
    inbox.reads("*.csv")
    inbox.land()
    inbox.put("b.csv", GOOD)
    again = inbox.land()
    assert ((), 2, 3) == (again.loads, len(again.already_loaded), len(inbox.leads()))


def test_the_same_name_with_other_content_is_a_new_load(tmp_path: Path) -> None:
    """F28: Its new rows are loaded, the others are redelivered."""
    inbox = one_file(tmp_path, GOOD)
    inbox.land()
    inbox.put("entries.csv", GOOD + entry("L4"))
    (load,) = inbox.land().loads
    assert (2, 4, 3, 1) == (load.load_no, load.rows_read, load.redelivered, load.landed)


def test_overlapping_exports_load_only_new_rows(tmp_path: Path) -> None:
    """F29: Two exports have overlapping days."""
    inbox = one_file(tmp_path, GOOD, "day1.csv")
    inbox.inputs = ()
    inbox.reads("day*.csv")
    inbox.put("day2.csv", HEADER + entry("L3") + entry("L4"))
    first, second = inbox.land().loads
    assert (3, 1, 1) == (first.landed, second.redelivered, second.landed)
    assert ["L1", "L2", "L3", "L4"] == inbox.leads()


def test_a_backdated_entry_is_loaded_with_its_recorded_time(tmp_path: Path) -> None:
    """F30: Late rows are loaded; recorded_at has the time of recording."""
    inbox = one_file(tmp_path, GOOD, "a.csv")
    inbox.inputs = ()
    inbox.reads("*.csv")
    inbox.land()
    inbox.put("b.csv", HEADER + entry("L9", entered_at="2025-01-01T00:00:00Z"))
    later = CLOCK + timedelta(days=1)
    inbox.land(clock=later)
    expected = [("L9", datetime(2025, 1, 1), later.replace(tzinfo=None))]
    assert expected == inbox.rows("select lead_id, entered_at, recorded_at from raw.stage_entries where load_no = 2")


def test_a_growing_file_is_left_for_the_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F31: A file that changes while it is read gives a warning, and nothing of it is loaded."""
    from pipeline.ingest.files import formats

    inbox = one_file(tmp_path, GOOD)
    look_at = formats.scan_file

    def scan_and_append(path: Path, *arguments: object) -> object:
        scan = look_at(path, *arguments)  # type: ignore[arg-type]
        with path.open("a") as file:
            file.write(entry("L4"))
        return scan

    monkeypatch.setattr(formats, "scan_file", scan_and_append)
    result = inbox.land()
    assert ((), ()) == (result.loads, result.refused)
    assert "still being written" in result.warnings[0]
    monkeypatch.setattr(formats, "scan_file", look_at)
    assert 4 == inbox.land().loads[0].landed


def test_a_new_column_is_kept_and_reported_once(tmp_path: Path) -> None:
    """F49: Earlier rows have no value for it."""
    inbox = one_file(tmp_path, GOOD, "a.csv")
    inbox.inputs = ()
    inbox.reads("*.csv")
    inbox.land()
    for name, lead in (("b.csv", "L8"), ("c.csv", "L9")):
        inbox.put(name, "lead_id,stage,entered_at,owner,Lead Score\n" + f"{lead},MQL,2026-01-06,dana,7\n")
    first, second = inbox.land().loads
    assert any("lead_score" in warning for warning in first.warnings)
    assert not any("lead_score" in warning for warning in second.warnings)
    assert [("L1", None), ("L2", None), ("L3", None), ("L8", "7"), ("L9", "7")] == inbox.rows(
        "select lead_id, lead_score from raw.stage_entries order by lead_id"
    )


def test_reordered_columns_bind_by_name(tmp_path: Path) -> None:
    """F50: The order may differ between two files of one input."""
    inbox = one_file(tmp_path, GOOD, "a.csv")
    inbox.inputs = ()
    inbox.reads("*.csv")
    inbox.put("b.csv", "owner,entered_at,lead_id,stage\ndana,2026-01-05T14:00:00Z,L1,MQL\nfinn,2026-01-06,L4,SAL\n")
    _, second = inbox.land().loads
    assert (1, 1) == (second.redelivered, second.landed)


@pytest.mark.parametrize("name", ["a*b.csv", "x'; drop table y; --.csv", "[ab].csv", "a?b.csv", "ü ñ.csv", 'q"q.csv'])
def test_an_unusual_name_matches_only_its_file(tmp_path: Path, name: str) -> None:
    """F78: DuckDB reads no name as a pattern or as SQL."""
    inbox = Inbox(tmp_path)
    for other in ("aXb.csv", "a.csv", "b.csv"):
        inbox.put(other, HEADER + entry("other"))
    inbox.put(name, GOOD)
    (load,) = inbox.reads(name).land().loads
    assert ["L1", "L2", "L3"] == inbox.leads()
    assert [(name,)] == inbox.rows("select file_name from raw.loads")
    assert () == load.warnings  # and it was not read line by line


def test_an_unusual_name_of_a_parquet_file_matches_only_its_file(tmp_path: Path) -> None:
    """F78: DuckDB reads `[1]` as a pattern for `1`."""
    inbox = Inbox(tmp_path)
    for name, lead in (("a1.parquet", "other"), ("a[1].parquet", "L1")):
        duckdb.execute(
            f"copy (select '{lead}' as lead_id, 'MQL' as stage, '2026-01-05' as entered_at) "
            f"to '{tmp_path / name}' (format parquet)"
        )
    inbox.reads("a[1].parquet").land()
    assert ["L1"] == inbox.leads()


def test_a_link_out_of_the_inbox_is_refused(tmp_path: Path) -> None:
    """F79: It is refused by name and by pattern; a link within the inbox is read."""
    outside = tmp_path / "outside.csv"
    outside.write_text(GOOD)
    inbox = Inbox(tmp_path / "inbox")
    inbox.put("inside.csv", GOOD)
    (inbox.folder / "link_in.csv").symlink_to(inbox.folder / "inside.csv")
    (inbox.folder / "link_out.csv").symlink_to(outside)
    inbox.reads("*.csv").reads("link_out.csv", name="named")
    result = inbox.land()
    assert [("crm", "link_out.csv"), ("named", "link_out.csv")] == [
        (r.input, Path(r.file).name) for r in result.refused
    ]
    assert (1, 1) == (len(result.loads), len(result.already_loaded))


def test_an_unknown_stage_is_loaded_with_its_text(tmp_path: Path) -> None:
    """F64: The models reject it in each run, and a corrected alias loads it from the log."""
    inbox = one_file(tmp_path, HEADER + entry("L1") + entry("L2", "Banana"))
    (load,) = inbox.land().loads
    assert any("1 row names a stage" in warning for warning in load.warnings)
    assert any("Banana" in warning for warning in load.warnings)  # the user needs it for the alias
    inbox.put("entries.csv", HEADER + entry("L1") + entry("L2", "Banana") + entry("L3"))
    (load,) = inbox.land().loads
    assert (1, 2) == (load.redelivered, load.landed)
    expected = [("banana", "L2,Banana,2026-01-05T14:00:00Z,dana")] * 2
    assert expected == inbox.rows("select stage_alias, original from raw.stage_entries where original is not null")


def test_parquet_types_may_differ_from_file_to_file(tmp_path: Path) -> None:
    """F75: Every value is text before it is typed: ids as numbers, times with zone, dates, text."""
    queries = [
        "select 1 as lead_id, 'MQL' as stage, timestamp '2026-01-05 14:00:00' as entered_at",
        "select 2.0::double as lead_id, 'MQL' as stage, timestamptz '2026-01-05 14:00:00+02' as entered_at",
        "select '3' as lead_id, 'MQL' as stage, date '2026-01-05' as entered_at",
        "select '4' as lead_id, 'MQL' as stage, '2026-01-05T14:00:00Z' as entered_at",
        "select '5' as lead_id, 'MQL' as stage, 'soon' as entered_at, true as \"Is Hot\"",
    ]
    inbox = Inbox(tmp_path).reads("*.parquet", timezone="America/New_York")
    for number, query in enumerate(queries):
        (tmp_path / f"{number}.parquet").write_bytes(parquet(query))
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
