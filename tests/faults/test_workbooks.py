"""docs/FAULTS.md, 100: workbooks keep the meaning of their cells and stay within the memory limit."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from delivery import Inbox, one_file, refusal
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from pipeline.errors import InputError
from pipeline.ingest.readers import file_reader, workbook_parts, workbooks
from tests.faults.workbook_files import HEADER, with_cells, workbook

NOON = datetime(2026, 1, 5, 12, 30)


def load_workbook_file(folder: Path, content: bytes, name: str = "entries.xlsx", **settings: Any) -> Inbox:
    """An inbox with one loaded workbook; every row of it is accounted for."""
    inbox = one_file(folder, content, name, **settings)
    outcome = inbox.land()
    assert () == outcome.refused
    (load,) = outcome.loads
    assert load.rows_read == load.landed + load.rejected_rows + load.redelivered + load.duplicates
    return inbox


def times(inbox: Inbox) -> list[str]:
    return [str(at) for (at,) in inbox.rows("select entered_at from raw.stage_entries order by row_number")]


def warnings(content: bytes, folder: Path, **settings: Any) -> tuple[str, ...]:
    return one_file(folder, content, "entries.xlsx", **settings).land().warnings


@pytest.mark.parametrize("name", ["entries.xlsx", "entries.xlsm", "entries.XLSX", "entries.xls", "entries.csv"])
def test_a_sheet_is_read_whatever_its_name(tmp_path: Path, name: str) -> None:
    """F100: Its first bytes identify it."""
    assert ["L1"] == load_workbook_file(tmp_path, workbook(HEADER, ("L1", "MQL", NOON, "dana")), name).leads()


@pytest.mark.parametrize("time_format", [None, "excel", "%m/%d/%Y %H:%M", ("epoch_s", "%Y-%d-%m"), "%Y-%d-%m", "iso"])
def test_date_cells_are_dates_whatever_time_format_says(tmp_path: Path, time_format: Any) -> None:
    """F100: They are local times of the input's zone; a date alone is local midnight."""
    rows = [("L1", "MQL", NOON), ("L2", "MQL", date(2026, 5, 1)), ("L3", "MQL", datetime(2026, 2, 3, 4, 5, 6))]
    inbox = load_workbook_file(
        tmp_path, workbook(HEADER[:3], *rows), time_format=time_format, timezone="America/New_York"
    )
    assert ["2026-01-05 17:30:00", "2026-05-01 04:00:00", "2026-02-03 09:05:06"] == times(inbox)


def test_text_cells_are_read_by_time_format(tmp_path: Path) -> None:
    """F100: One column may have date cells, text cells and, if declared, day numbers."""
    rows = [("L1", "MQL", "05.01.2026"), ("L2", "MQL", date(2026, 1, 6)), ("L3", "MQL", 46029.25)]
    inbox = load_workbook_file(tmp_path, workbook(HEADER[:3], *rows), time_format=("%d.%m.%Y", "excel"))
    assert ["2026-01-05 00:00:00", "2026-01-06 00:00:00", "2026-01-07 06:00:00"] == times(inbox)


def test_a_text_in_the_declared_format_is_not_read_as_iso(tmp_path: Path) -> None:
    """F100: With year, day, month declared, the text 2026-05-01 is 5 January, and a date cell of 1 May is 1 May."""
    rows = [("L1", "MQL", "2026-05-01"), ("L2", "MQL", date(2026, 5, 1)), ("L3", "MQL", datetime(2026, 5, 1, 1))]
    inbox = load_workbook_file(tmp_path, workbook(HEADER[:3], *rows), time_format="%Y-%d-%m")
    assert ["2026-01-05 00:00:00", "2026-05-01 00:00:00", "2026-05-01 01:00:00"] == times(inbox)


def test_dates_of_a_workbook_since_1904_are_right(tmp_path: Path) -> None:
    """F100: The workbook has its first day."""

    def since_1904(book: Any) -> None:
        book.epoch = CALENDAR_MAC_1904

    content = workbook(HEADER[:3], ("L1", "MQL", NOON), ("L2", "MQL", date(2026, 5, 1)), change=since_1904)
    assert b'date1904="1"' in zipfile.ZipFile(io.BytesIO(content)).read("xl/workbook.xml")
    assert ["2026-01-05 12:30:00", "2026-05-01 00:00:00"] == times(load_workbook_file(tmp_path, content))


def test_numbers_booleans_and_durations_are_readable(tmp_path: Path) -> None:
    """F100: 101.0 is 101, an id of 16 digits keeps Excel's digits, TRUE is TRUE, times of day and durations are text."""
    values = [101.0, 0.5, 123456789012345, True, False, time(14, 5), timedelta(hours=30, minutes=1), "00123", "TRUE"]
    rows = [(f"L{number}", "MQL", NOON, value) for number, value in enumerate(values)]
    inbox = load_workbook_file(tmp_path, workbook(HEADER, (101.0, "MQL", NOON, "first"), *rows))
    assert ["101", "L0"] == inbox.leads()[:2]
    owners = [owner for (owner,) in inbox.rows("select owner from raw.stage_entries order by row_number")]
    assert [
        "first", "101", "0.5", "123456789012345", "TRUE", "FALSE", "14:05:00", "30:01:00", "00123", "TRUE"
    ] == owners  # fmt: skip


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-3.0, "-3"), (1e300, "1e+300"), (2.0**53, "9007199254740992.0"), (-0.25, "-0.25"), (7, "7"), ("x ", "x "),
        (timedelta(seconds=-60), "-1:59:00"), (datetime(2026, 1, 5, 1, 2, 3, 500000), "2026-01-05 01:02:03.500000"),
    ],
)  # fmt: skip
def test_a_number_has_a_plain_text(value: Any, text: str) -> None:
    """Whole numbers have no decimals as long as a float represents each of them."""
    assert text == workbooks.text_of(value)


def test_error_cells_are_empty_and_counted(tmp_path: Path) -> None:
    """F100: Only the sheet that is read counts."""
    cells = (
        '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="s"><v>2</v></c>'
        '<c r="D1" t="s"><v>3</v></c></row><row r="2"><c r="A2" t="inlineStr"><is><t>L1</t></is></c>'
        '<c r="B2" t="inlineStr"><is><t>MQL</t></is></c><c r="C2" t="inlineStr"><is><t>2026-01-05</t></is></c>'
        "<c r='D2' t='e'><v>#N/A</v></c></row>"
        '<row r="3"><c r="A3" t="e"><v>#REF!</v></c><c r="B3" t="inlineStr"><is><t>MQL</t></is></c></row>'
    )
    inbox = one_file(tmp_path, with_cells(cells, HEADER), "entries.xlsx")
    load_workbook_file = inbox.land()
    assert (
        "crm: entries.xlsx: 2 cells of the sheet hold an error such as #N/A or #REF!; read as empty"
        in load_workbook_file.warnings
    )
    assert [("L1", None)] == inbox.rows("select lead_id, owner from raw.stage_entries")
    assert [(2, "no_lead", {"lead_id": "", "stage": "MQL", "entered_at": "", "owner": ""})] == [
        (number, reason, json.loads(original)) for number, reason, original in inbox.rejected()
    ]


def test_rejected_rows_are_kept_as_json(tmp_path: Path) -> None:
    """F100: The JSON has the headers of the sheet, and dates as they were read; empty rows are not counted."""
    content = workbook(
        ("Lead", "Stage", "When", "Stage "),
        ("L1", "MQL", NOON, "x"),
        (),
        ("L2", "MQL", "soon", 7.0),
        ("L3", "no", NOON),
    )
    inbox = load_workbook_file(tmp_path, content, columns={"lead_id": "Lead", "stage": "Lead", "entered_at": "When"})
    assert [2] == [number for number, reason, _ in inbox.rejected() if reason == "unreadable_time"]
    rejected_records = {number: json.loads(original) for number, _, original in inbox.rejected()}
    assert {"Lead": "L2", "Stage": "MQL", "When": "soon", "column 4": "7"} == rejected_records[2]


def test_a_sheet_is_selected_by_name_or_number(tmp_path: Path) -> None:
    """F100: Hidden sheets don't count and are read if named; hidden rows are read."""

    def more(book: Any) -> None:
        hidden = book.create_sheet("Old", 0)
        hidden.append(list(HEADER))
        hidden.append(["H1", "MQL", NOON])
        hidden.sheet_state = "hidden"
        second = book.create_sheet("Zwei & mehr")
        second.append(list(HEADER))
        second.append(["S1", "MQL", NOON])
        second.append(["S2", "MQL", NOON])
        second.row_dimensions[3].hidden = True

    content = workbook(HEADER, ("L1", "MQL", NOON), change=more)
    for sheet, leads in (
        (None, ["L1"]), (1, ["L1"]), (2, ["S1", "S2"]), ("Zwei & mehr", ["S1", "S2"]), (" zwei & MEHR", ["S1", "S2"]),
        ("Old", ["H1"]), ("History", ["L1"]),
    ):  # fmt: skip
        assert leads == load_workbook_file(tmp_path / str(sheet), content, sheet=sheet).leads()
    for missing, missing_name in ((3, "number 3"), ("Neu", "`Neu`")):
        assert (
            f'there is no sheet {missing_name} in the workbook; it has `History`, `Zwei & mehr` | write sheet = "History"'
        ) == refusal(one_file(tmp_path / f"no {missing}", content, "entries.xlsx", sheet=missing))


def test_the_header_is_the_first_row_or_the_declared_one(tmp_path: Path) -> None:
    """F100: The first row is the first that is not empty; with a title above the header, the message has the row number."""
    plain = workbook((), (), HEADER, ("L1", "MQL", NOON))
    assert ["L1"] == load_workbook_file(tmp_path / "a", plain).leads()
    titled = workbook(("History of January",), (), HEADER, ("L1", "MQL", NOON))
    assert ("the header is not in row 1 of the sheet `History` | declare header_row = 3 for this input") == refusal(
        one_file(tmp_path / "b", titled, "entries.xlsx")
    )
    assert ["L1"] == load_workbook_file(tmp_path / "c", titled, header_row=3).leads()
    assert "row 2 of the sheet `History` is empty" in refusal(one_file(tmp_path / "d", titled, "a.xlsx", header_row=2))
    assert "row 9 of the sheet `History` is empty" in refusal(one_file(tmp_path / "e", titled, "a.xlsx", header_row=9))
    assert "the sheet `History` is empty" in refusal(one_file(tmp_path / "f", workbook(), "a.xlsx"))
    message = refusal(one_file(tmp_path / "g", workbook(("Lead", "stage", "entered_at")), "a.xlsx"))
    assert "missing columns `lead_id`; found `Lead`, `stage`, `entered_at` in row 1 of the sheet `History`" in message


def test_a_table_may_begin_in_any_column(tmp_path: Path) -> None:
    """F100: Empty columns before the table are skipped."""
    content = workbook((), (None, None, *HEADER), (None, None, "L1", "MQL", NOON, "dana"))
    assert [("L1", "dana")] == load_workbook_file(tmp_path, content).rows(
        "select lead_id, owner from raw.stage_entries"
    )


@pytest.mark.parametrize(("merged", "hit"), [("A1:B1", "lead_id"), ("C1:C2", "entered_at"), ("D1:E1", None)])
def test_a_merged_header_of_a_needed_column_is_refused(tmp_path: Path, merged: str, hit: str | None) -> None:
    """F100: Its columns are ambiguous; a merged header of another column is ignored."""

    def merge(book: Any) -> None:
        book.active.merge_cells(merged)

    header = ["lead_id", "stage", "entered_at", "note", "more"]
    if merged == "A1:B1":
        header[2:4] = ["stage", "entered_at"]
    content = workbook(header, ("L1", "MQL", NOON, NOON, "b"), ("L2", "MQL", NOON, NOON), change=merge)
    inbox = one_file(tmp_path, content, "entries.xlsx")
    if hit is None:
        assert ["L1", "L2"] == load_workbook_file(tmp_path, content).leads()
    else:
        assert (
            f"the header of column `{hit}` is merged with other cells in the sheet `History` | "
            "undo the merge, so that each column has a header of its own"
        ) == refusal(inbox)


def test_merged_cells_below_the_header_are_reported(tmp_path: Path) -> None:
    """F100: Only the first merged cell has the value."""

    def merge(book: Any) -> None:
        book.active.merge_cells("D2:D3")

    content = workbook(HEADER, ("L1", "MQL", NOON, "dana"), ("L2", "MQL", NOON), change=merge)
    assert [
        "crm: entries.xlsx: 1 merged range of cells below the header: only the first cell of each has the value"
    ] == [each for each in warnings(content, tmp_path) if "merged" in each]


@pytest.mark.parametrize("serial", [-5.0, 0.5, 2958466.0, 1e10, 1e300])
def test_an_impossible_date_rejects_its_row(tmp_path: Path, serial: float) -> None:
    """F100: The cell has a date format and a number that is no date."""

    def as_date(book: Any) -> None:
        book["History"]["C3"].number_format = "yyyy-mm-dd hh:mm"

    inbox = load_workbook_file(tmp_path, workbook(HEADER, ("L1", "MQL", NOON), ("L2", "MQL", serial), change=as_date))
    assert (["L1"], [2]) == (inbox.leads(), [number for number, _, _ in inbox.rejected()])


def test_line_ends_and_quotes_in_cells_stay(tmp_path: Path) -> None:
    """F100: They stay as they are in the cell."""
    owners = ["a\nb", 'say "hi", twice', " é "]
    inbox = load_workbook_file(
        tmp_path, workbook(HEADER, *((f"L{n}", "MQL", NOON, owner) for n, owner in enumerate(owners)))
    )
    assert ["a\nb", 'say "hi", twice', "é"] == [
        owner for (owner,) in inbox.rows("select owner from raw.stage_entries order by row_number")
    ]


def test_macros_are_not_read(tmp_path: Path) -> None:
    """F100: Only the parts with values are copied, not the macros."""
    content = workbook(HEADER, ("L1", "MQL", NOON))
    file = io.BytesIO(content)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"macro")
        archive.writestr("xl/media/image1.png", b"x" * 1000)
    (tmp_path / "a.xlsm").write_bytes(file.getvalue())
    copy = tmp_path / "copy.xlsx"
    workbook_parts.copy_checked(tmp_path / "a.xlsm", None, copy)
    assert not [name for name in zipfile.ZipFile(copy).namelist() if "vba" in name or "media" in name]
    assert ["L1"] == load_workbook_file(tmp_path / "in", file.getvalue(), "a.xlsm").leads()


def test_a_file_known_already_is_not_read_again(tmp_path: Path) -> None:
    """F100: Another sheet of the file is another load."""

    def more(book: Any) -> None:
        book.create_sheet("Two").append(list(HEADER))
        book["Two"].append(["S1", "MQL", NOON])

    content = workbook(HEADER, ("L1", "MQL", NOON), change=more)
    inbox = load_workbook_file(tmp_path, content)
    assert ((), 1) == (inbox.land().loads, len(inbox.land().already_loaded))
    inbox.inputs = ()
    inbox.reads("entries.xlsx", sheet="Two")
    assert 1 == len(inbox.land().loads)
    assert ["S1"] == inbox.leads()


def test_openpyxl_and_this_reader_agree(tmp_path: Path) -> None:
    """F100: Both give every value of a sheet with many kinds of cells."""
    rows = [(f"L{n}", "MQL", datetime(2026, 1, 1) + timedelta(hours=7 * n), n / 4) for n in range(500)]
    content = workbook(HEADER, *rows)
    inbox = load_workbook_file(tmp_path, content)
    (tmp_path / "same.xlsx").write_bytes(content)
    read = openpyxl.load_workbook(tmp_path / "same.xlsx")["History"].iter_rows(min_row=2, values_only=True)
    expected = [(row[0], str(row[2]), workbooks.text_of(row[3])) for row in read]  # type: ignore[arg-type]
    assert expected == inbox.rows(
        "select lead_id, entered_at::varchar, owner from raw.stage_entries order by row_number"
    )


def test_rows_that_do_not_add_up_stop_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB must have every record that was written for it, of a sheet and of a JSON document."""
    hold = file_reader._store_copy
    monkeypatch.setattr(file_reader, "_store_copy", lambda *given, **more: hold(*given, **more) - 1)
    sheet = workbook(HEADER, ("L1", "MQL", NOON), ("L2", "MQL", NOON))
    document = b'[{"lead_id":"L1","stage":"MQL","entered_at":"2026-01-05"}]'
    for name, content, count in (("a.xlsx", sheet, 2), ("b.json", document, 1)):
        with pytest.raises(InputError, match=f"{count} records do not add up: {count - 1} are accounted for"):
            one_file(tmp_path, content, name).land()


def test_a_huge_zip_directory_is_refused(tmp_path: Path) -> None:
    """An archive that declares a huge directory is refused before the directory is read."""
    end = b"PK\x05\x06" + bytes(8) + struct.pack("<II", 0xFFFFFFFF, 0) + bytes(2)
    wide = b"PK\x06\x06" + bytes(36) + struct.pack("<QQ", 1 << 40, 0)
    for number, tail in enumerate((end, wide + end)):
        assert "more than 1,000 files" in refusal(one_file(tmp_path / str(number), b"PK\x03\x04" + tail, "a.zip"))
