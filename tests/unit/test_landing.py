"""The landing log: which files become loads, and how rows are classified."""

from __future__ import annotations

import dataclasses
import json
import random
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from delivery import CLOCK, HEADER, STAGES, Inbox, entry, one_file

from pipeline.config.load import load_configuration
from pipeline.errors import InputError
from pipeline.ingest.files import scan
from pipeline.ingest.landing import loading
from pipeline.ingest.readers import file_reader, holding

GOOD = HEADER + entry("L1") + entry("L2", "SAL") + entry("L3", "Banana") + entry("")
LEADS = "lead_id,origin,owner,score\n"


def leads_inbox(folder: Path) -> Inbox:
    return Inbox(folder).reads("leads.csv", "leads", name="leads")


def current_leads(inbox: Inbox) -> list[tuple[str, ...]]:
    return inbox.rows(
        "select lead_id, origin, owner from raw.leads "
        "qualify row_number() over (partition by lead_id order by load_no desc) = 1 order by lead_id"
    )


@pytest.mark.parametrize(("encoding", "scans"), [("utf-8", 1), ("cp1252", 4)])
def test_a_file_of_two_inputs_is_scanned_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, scans: int
) -> None:
    """If a UTF-8 copy is read instead, file and copy are scanned for each input."""
    scanned = []
    examine = scan.scan_bytes

    def count_scan(path: Path, *arguments: Any, **settings: Any) -> scan.FileScan:
        scanned.append(path)
        return examine(path, *arguments, **settings)

    monkeypatch.setattr(scan, "scan_bytes", count_scan)
    inbox = Inbox(tmp_path).reads("leads.csv", "leads", name="leads", encoding=encoding)
    inbox.reads("leads.csv", "deletions", name="gone", encoding=encoding)
    inbox.put("leads.csv", "lead_id,deleted_at,owner\nL1,2026-01-05,J\u00f6rg\n".encode(encoding))
    leads, gone = inbox.land().loads
    assert (1, 1, leads.sha256) == (leads.landed, gone.landed, gone.sha256)
    assert scans == len(scanned)


def test_the_quarter_is_loaded_with_the_counts_of_its_readme() -> None:
    """Of 43 rows one without a lead and one with a bad time are rejected; the models reject the unknown stage."""
    quarter = Path(__file__).parent.parent / "cases" / "quarter"
    loaded = load_configuration(quarter / "funnel.toml")
    inbox = Inbox(quarter, loaded.inputs)
    entries, leads = inbox.land(dry_run=True).loads
    assert (43, {"no_lead": 1, "unreadable_time": 1}, 41) == (entries.rows_read, entries.rejected, entries.landed)
    assert (16, 16) == (leads.rows_read, leads.landed)


@pytest.mark.real
def test_the_hospital_is_loaded_completely(shared_real: Path, tmp_path: Path) -> None:
    """49,951 rows are loaded in the order of the file, none is rejected."""
    loaded = load_configuration(shared_real / "hospital_billing" / "funnel.toml")
    inbox = Inbox(tmp_path, loaded.inputs, ("owner", "speciality"))
    (load,) = inbox.land().loads
    assert (49_951, 49_951, {}) == (load.rows_read, load.landed, load.rejected)
    expected = [(49_951, 49_951, 10_000)]
    assert expected == inbox.rows("select count(*), max(row_number), count(distinct lead_id) from raw.stage_entries")
    assert [(26_375, 10_000)] == inbox.rows("select count(given[1]), count(given[2]) from raw.stage_entries")
    assert [(26_375, 10_000)] == inbox.rows("select count(owner), count(speciality) from raw.stage_entries")


def test_a_dry_run_writes_nothing_and_counts_the_same(tmp_path: Path) -> None:
    """`funnel check` gives the counts of a run."""
    inbox = one_file(tmp_path, GOOD)
    dry = inbox.land(dry_run=True)
    assert not inbox.log_folder.exists()
    wet = inbox.land()
    assert dry == replace(wet, loads=tuple(replace(load, sums={}) for load in wet.loads))


def test_a_dry_run_reads_several_new_files(tmp_path: Path) -> None:
    """Each file is compared with the log as it is, because none of them is written."""
    inbox = one_file(tmp_path, GOOD)
    inbox.put("later.csv", GOOD + entry("L5"))
    inbox.inputs = ()
    inbox.reads("*.csv")
    assert [4, 5] == [load.rows_read for load in inbox.land(dry_run=True).loads]
    assert not inbox.log_folder.exists()


def test_every_row_is_accounted_for(tmp_path: Path) -> None:
    """rows_read = rejected + redelivered + duplicates + landed, also in raw.loads."""
    inbox = one_file(tmp_path, GOOD)
    inbox.land()
    inbox.put("entries.csv", GOOD + entry("L5"))
    inbox.land()
    expected = [(1, 4, 1, 0, 0, 3), (2, 5, 1, 2, 0, 2)]
    assert expected == inbox.rows(
        "select load_no, rows_read, rejected, redelivered, duplicates, landed from raw.loads order by load_no"
    )
    assert [(4, "no_lead", ",MQL,2026-01-05T14:00:00Z,dana")] * 2 == inbox.rejected()


def test_a_lost_row_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the counts do not add up, the message has the file, and nothing of it is in the log."""
    inbox = one_file(tmp_path, GOOD)
    read = file_reader.read
    monkeypatch.setattr(
        file_reader, "read", lambda *given: dataclasses.replace(delivered := read(*given), rows=delivered.rows + 1)
    )
    with pytest.raises(InputError, match=r"entries\.csv: 5 rows were read and 4 are accounted for"):
        inbox.land()
    assert () == loading.open_log(inbox.log_folder).loads


def test_a_load_is_private_and_has_a_manifest(tmp_path: Path) -> None:
    """Its files have mode 0600; the manifest has settings, bindings and counts, and is read back unchanged."""
    inbox = one_file(tmp_path, GOOD + entry("L4", "mql"), timezone="Europe/Berlin", columns={"owner": "Owner"})
    (load,) = inbox.land().loads
    log = loading.open_log(inbox.log_folder)
    assert (load,) == log.loads
    assert f"crm/000001-{load.sha256[:12]}" == load.folder
    assert {0o600} == {path.stat().st_mode & 0o777 for path in (log.path / load.folder).iterdir()}
    assert not list(log.path.glob(".work*"))
    assert "Europe/Berlin" == load.reading["timezone"]
    assert CLOCK.replace(tzinfo=None) == load.loaded_at


def test_a_load_without_a_manifest_is_removed(tmp_path: Path) -> None:
    """The folder of a killed run is not read and is removed; its number is used again."""
    inbox = one_file(tmp_path, GOOD)
    (load,) = inbox.land().loads
    (inbox.log_folder / load.folder / "manifest.json").unlink()
    (inbox.log_folder / ".work-abc").mkdir()
    assert () == loading.open_log(inbox.log_folder).loads
    assert (".work-abc", load.folder) == loading.remove_leftovers(inbox.log_folder)
    assert () == loading.remove_leftovers(inbox.log_folder)
    assert 1 == inbox.land().loads[0].load_no


def test_files_are_loaded_in_order_of_name_and_inputs_in_order_of_configuration(tmp_path: Path) -> None:
    """load_no is unique in the whole log."""
    inbox = Inbox(tmp_path)
    for name in ("b.csv", "a.csv", "c.csv"):
        inbox.put(name, HEADER + entry(name))
    inbox.put("leads.txt", LEADS + "L1,marketing,dana,1\n")
    inbox.reads("leads.txt", "leads", name="leads").reads("*.csv")
    result = inbox.land()
    assert [(1, "leads.txt"), (2, "a.csv"), (3, "b.csv"), (4, "c.csv")] == [
        (x.load_no, x.file_name) for x in result.loads
    ]


def test_an_input_without_files_is_missing(tmp_path: Path) -> None:
    """The result has its name, and the other inputs are loaded."""
    inbox = one_file(tmp_path, GOOD).reads("nothing/*.csv", name="nothing").reads("none.csv", name="none")
    result = inbox.land()
    expected = [
        loading.RefusedFile(
            name,
            str(tmp_path / pattern),
            "there is no such file",
            "put the export there, or correct `path` of this input",
        )
        for name, pattern in (("nothing", "nothing/*.csv"), ("none", "none.csv"))
    ]
    assert (expected, 1) == (list(result.missing), len(result.loads))


def test_a_keyed_table_keeps_every_version(tmp_path: Path) -> None:
    """From A to B and back to A are two changes, even if the file is an earlier one byte for byte."""
    inbox = leads_inbox(tmp_path)
    contents = [LEADS + f"L1,{origin},dana,1\nL2,sales,dana,1\n" for origin in ("marketing", "partner", "marketing")]
    counts_and_origin = []
    for content in contents:
        inbox.put("leads.csv", content)
        (load,) = inbox.land().loads
        counts_and_origin.append((load.redelivered, load.landed, current_leads(inbox)[0][1]))
    assert [(0, 2, "marketing"), (1, 1, "partner"), (1, 1, "marketing")] == counts_and_origin
    assert () == inbox.land().loads


def test_an_old_snapshot_under_a_new_name_changes_nothing(tmp_path: Path) -> None:
    """A renamed file is recognised by its content."""
    inbox = Inbox(tmp_path).reads("leads*.csv", "leads", name="leads")
    inbox.put("leads1.csv", LEADS + "L1,marketing,dana,1\n")
    inbox.put("leads2.csv", LEADS + "L1,partner,dana,1\n")
    inbox.land()
    inbox.put("leads9.csv", LEADS + "L1,marketing,dana,1\n")
    assert () == inbox.land().loads


def test_in_one_file_the_last_row_of_a_key_counts(tmp_path: Path) -> None:
    """The others are duplicates, even if the last one is already in the log."""
    inbox = leads_inbox(tmp_path)
    inbox.put("leads.csv", LEADS + "L1,sales,dana,1\nL2,sales,finn,1\nL1,marketing,dana,1\n")
    (load,) = inbox.land().loads
    assert (1, 2) == (load.duplicates, load.landed)
    inbox.put("leads.csv", LEADS + "L1,partner,dana,1\nL1,marketing,dana,1\n")
    (load,) = inbox.land().loads
    assert (1, 1, 0) == (load.duplicates, load.redelivered, load.landed)
    assert [("L1", "marketing", "dana"), ("L2", "sales", "finn")] == current_leads(inbox)


def test_redelivery_compares_every_column_and_reads_a_missing_one_as_empty(tmp_path: Path) -> None:
    """A new empty column gives no new row, a filled one does."""
    inbox = one_file(tmp_path, HEADER + entry("L1", owner="") + entry("L2", owner=""))
    inbox.land()
    inbox.put("entries.csv", "lead_id,stage,entered_at,score\nL1,MQL,2026-01-05 14:00,\nL2,MQL,2026-01-05 14:00,7\n")
    (load,) = inbox.land().loads
    assert (1, 1) == (load.redelivered, load.landed)


def test_duplicates_inside_one_export_are_left_to_the_models(tmp_path: Path) -> None:
    """Identical rows of stage entries in one file are loaded; E4 counts them."""
    (load,) = one_file(tmp_path, HEADER + entry("L1") * 3).land().loads
    assert (3, 0, 0) == (load.landed, load.redelivered, load.duplicates)


def test_other_reading_settings_read_the_file_again(tmp_path: Path) -> None:
    """The earlier load is superseded: it stays in the log, but does not count."""
    inbox = one_file(tmp_path, HEADER + entry("L1", entered_at="2026-01-05 14:00"), timezone="UTC")
    inbox.land()
    inbox.inputs = ()
    inbox.reads("entries.csv", timezone="America/New_York")
    (load,) = inbox.land().loads
    assert ((1,), 1, 0) == (load.supersedes, load.landed, load.redelivered)
    assert [(2, datetime(2026, 1, 5, 19))] == inbox.rows("select load_no, entered_at from raw.stage_entries")
    assert [(2,)] == inbox.rows("select load_no from raw.loads")
    assert () == inbox.land().loads
    inbox.inputs = ()
    inbox.reads("entries.csv", timezone="UTC")
    (load,) = inbox.land().loads
    assert ((2,), 1) == (load.supersedes, load.landed)
    assert [(3, datetime(2026, 1, 5, 14))] == inbox.rows("select load_no, entered_at from raw.stage_entries")


def test_merges_and_deletions_are_loaded(tmp_path: Path) -> None:
    """merged_at and deleted_at may be empty but not unreadable; an empty deleted_at reverses a deletion (E10)."""
    inbox = Inbox(tmp_path)
    inbox.put("m.csv", "from_lead_id,into_lead_id,merged_at\nA,B,\nB,C,2026-01-05\nC,D,soon\n,E,\nF,,\n")
    inbox.put("d.csv", "lead_id,deleted_at\nA,2026-01-05\nB,\nC,1999-01-01\nD,soon\n")
    inbox.reads("m.csv", "merges", name="merged").reads("d.csv", "deletions", name="deleted")
    merges, deletions = inbox.land().loads
    assert ({"unreadable_time": 1, "no_key": 2}, 2) == (merges.rejected, merges.landed)
    assert ({"unreadable_time": 1, "time_out_of_range": 1}, 2) == (deletions.rejected, deletions.landed)
    expected = [("A", "B", None), ("B", "C", datetime(2026, 1, 5))]
    assert expected == inbox.rows("select from_lead_id, into_lead_id, merged_at from raw.merges")
    assert [("A", datetime(2026, 1, 5)), ("B", None)] == inbox.rows("select lead_id, deleted_at from raw.deletions")


def test_a_sequence_is_a_whole_number(tmp_path: Path) -> None:
    """12 and 12.0 are valid; 1.5 and x reject the row."""
    header = "lead_id,stage,entered_at,sequence\n"
    values = ["12", "12.0", "", "-3", "1.5", "x", "1e3"]
    inbox = one_file(tmp_path, header + "".join(f"L{n},MQL,2026-01-05,{value}\n" for n, value in enumerate(values)))
    (load,) = inbox.land().loads
    assert {"unreadable_sequence": 3} == load.rejected
    assert [(12,), (12,), (None,), (-3,)] == inbox.rows("select sequence from raw.stage_entries order by row_number")


@pytest.mark.parametrize("in_memory", [0, holding.MAX_IN_MEMORY_BYTES])
@pytest.mark.parametrize("quote", ["", '"'])
def test_the_order_of_the_file_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: int, quote: str
) -> None:
    """This is so with many row groups and two threads, a table or a Parquet file, rejected and redelivered rows."""
    monkeypatch.setattr(holding, "MAX_IN_MEMORY_BYTES", in_memory)
    start = datetime(2020, 1, 1)
    owner = '"a, b"' if quote else "ab"
    rows = [f"L{number},MQL,{start + timedelta(minutes=number)},{owner}\n" for number in range(300_000)]
    rows[150_000] = entry("", "MQL")
    inbox = one_file(tmp_path, HEADER + "".join(rows), timezone="America/New_York")
    (load,) = inbox.land().loads
    assert (300_000, 1, 299_999) == (load.rows_read, load.rejected_rows, load.landed)
    inbox.put("entries.csv", HEADER + entry("new") + "".join(rows[:200_000]) + entry("newer"))
    (load,) = inbox.land().loads
    assert (199_999, 2) == (load.redelivered, load.landed)
    expected = [(299_999, True, True)]
    assert expected == inbox.rows(
        "select count(*), bool_and(lead_id = 'L' || (row_number - 1)), bool_and(age <= interval 1 hour) from "
        "(select *, abs(epoch(entered_at - (timestamp '2020-01-01 05:00:00' + to_minutes(row_number - 1))))::integer "
        "* interval 1 second as age from raw.stage_entries where load_no = 1)"
    )
    rows_file = inbox.log_folder / loading.open_log(inbox.log_folder).loads[0].folder / "rows.parquet"
    assert [(True,)] == inbox.rows(
        "select bool_and(row_number > earlier) from (select row_number, lag(row_number, 1, 0) over (order by "
        f"file_row_number) as earlier from read_parquet('{rows_file}', file_row_number = true))"
    )


def test_both_csv_readers_load_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The strict reader and the one with row recovery agree on files that both can read."""
    generator = random.Random(17)

    def value() -> str:
        text = "".join(generator.choice('ab ,"é') for _ in range(generator.randrange(4)))
        return '"' + text.replace('"', '""') + '"' if generator.random() < 0.5 or set(text) & set(',"') else text

    files = []
    for _ in range(25):
        rows = [f"{value()},{value()},2026-01-05,{value()}\n" for _ in range(generator.randrange(1, 8))]
        files.append(HEADER + "".join(row if generator.random() < 0.9 else row + "\n" for row in rows))
    results = []
    for way in ("strict", "resynchronising"):
        inbox = Inbox(tmp_path / way)
        for number, content in enumerate(files):
            inbox.put(f"{number}.csv", content)
            inbox.reads(f"{number}.csv", name=f"crm_{number}")
        with monkeypatch.context() as patched:
            if way != "strict":
                patched.setattr(file_reader, "_read_strictly", lambda *_: None)
            loads = inbox.land().loads
        is_recovered = [any("line by line" in warning for warning in load.warnings) for load in loads]
        assert [way != "strict"] * 25 == is_recovered
        rows_of_loads = inbox.rows("from raw.stage_entries order by load_no, row_number")
        counts = [(load.rows_read, load.lines, load.blank_lines) for load in loads]
        results.append((rows_of_loads, inbox.rejected(), counts))
    assert results[0] == results[1]


def test_no_message_has_a_value(tmp_path: Path) -> None:
    """Warnings, progress and refusals have columns, counts and unknown stages, but no address."""
    inbox = one_file(
        tmp_path,
        HEADER
        + entry("secret@example.org", "Banana")
        + entry("L2", "secret@example.org")
        + entry("x", owner='"secret')
        + "secret\n",
    )
    result = inbox.land()
    messages = "\n".join([*inbox.log_lines, *result.warnings, *map(str, result.refused)])
    assert "secret" not in messages
    assert (
        '2 rows name a stage that the waterfall does not know: "Banana" (1), an address (it has an @) (1)' in messages
    )
    assert STAGES[0].key not in inbox.rejected()[0]


@pytest.mark.parametrize("form", [1, 2])
def test_a_file_of_an_older_log_has_other_columns(tmp_path: Path, form: int) -> None:
    """Format 1 lacks later columns, and format 2 had each column in each file. Both are read, and no row is loaded twice."""
    inbox = Inbox(tmp_path).reads("entries*.csv")
    inbox.put("entries.csv", "lead_id,stage,entered_at\nL1,MQL,2026-01-05\n")
    (load,) = inbox.land().loads
    rows = inbox.log_folder / load.folder / "rows.parquet"
    old = tmp_path / "old.parquet"
    texts = ["owner", "source_system", "time_note", "original"]
    later = ["previous", "previous_alias"] if form == 2 else []
    nulls = ", ".join(f"null::varchar as {name}" for name in (*texts, *later))
    duckdb.sql(f"copy (select *, null::bigint as sequence, {nulls} from '{rows}') to '{old}'")
    old.replace(rows)
    manifest = rows.with_name("manifest.json")
    content = {**json.loads(manifest.read_text()), "format": form}
    manifest.write_text(json.dumps({name: value for name, value in content.items() if name not in ("sums", "seal")}))
    inbox.put("entries_2.csv", "lead_id,stage,entered_at,previous\nL1,MQL,2026-01-05,\nL1,SAL,2026-01-06,MQL\n")
    (second,) = inbox.land().loads
    assert (1, 1) == (second.redelivered, second.landed)
    assert [("MQL", None), ("SAL", "mql")] == inbox.rows(
        "select stage, previous_alias from raw.stage_entries order by load_no"
    )


def test_a_file_of_the_log_has_no_empty_column(tmp_path: Path) -> None:
    """A column of nulls would cost time to write and to read."""
    inbox = one_file(tmp_path, "lead_id,stage,entered_at,owner\nL1,MQL,2026-01-05,\n")
    (load,) = inbox.land().loads
    rows = inbox.log_folder / load.folder / "rows.parquet"
    columns = [name for name, *_ in duckdb.sql(f"describe select * from '{rows}'").fetchall()]
    assert columns == [
        "input",
        "load_no",
        "row_number",
        "lead_id",
        "stage",
        "entered_at",
        "owner",
        "recorded_at",
        "stage_alias",
    ]
