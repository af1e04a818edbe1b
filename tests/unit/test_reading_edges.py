"""The corners of reading that no everyday file comes to."""

from __future__ import annotations

import gzip
import hashlib
import random
from pathlib import Path
from tempfile import mkdtemp

import duckdb
import pytest
import zstandard
from delivery import HEADER, Inbox, entry, one_file, refusal

from pipeline.config.configuration import Input
from pipeline.ingest.files import checksums, formats, scan
from pipeline.ingest.files.find import find
from pipeline.ingest.readers import csv_recovery
from pipeline.ingest.refusal import FileRefusedError
from tests.unit.limits import without_rights


def parquet(path: Path, query: str) -> bytes:
    duckdb.execute(f"copy ({query}) to '{path}' (format parquet, compression zstd)")
    return path.read_bytes()


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ((), "exports/*.csv"),
        (("a.parquet", "b.parquet", "c.csv", "a.parquet.sha256", "b.parquet.sha256", ".hidden"), "exports/*.parquet"),
        (("2026.01.csv.gz", "2026.02.csv.gz", "read.me"), "exports/*.csv.gz"),
        (("a.jsonl", "b.csv"), "exports/*.csv"),
    ],
)
def test_a_folder_is_no_file(tmp_path: Path, files: tuple[str, ...], expected: str) -> None:
    """An input that names one is told so, with the pattern for the files that most of it are."""
    folder = tmp_path / "exports"
    (folder / "older.tsv").mkdir(parents=True)
    for name in files:
        (folder / name).write_text("x")
    (found,) = find(Input("crm", "stage_entries", folder, written_path="exports/"))
    assert ("it is a folder, not a file", f'write path = "{expected}"') == (found.refused, found.next_step)
    (unwritten,) = find(Input("crm", "stage_entries", folder))
    assert f'write path = "{tmp_path}/{expected}"' == unwritten.next_step


def test_a_folder_that_can_not_be_looked_into_is_a_folder_too(tmp_path: Path) -> None:
    """Its files are taken for CSV."""
    (tmp_path / "exports").mkdir(mode=0o700)
    (tmp_path / "exports" / "a.parquet").write_text("x")
    with without_rights(tmp_path / "exports"):
        (found,) = find(Input("crm", "stage_entries", tmp_path / "exports", written_path="exports"))
    assert 'write path = "exports/*.csv"' == found.next_step


def test_a_pattern_may_name_folders_too(tmp_path: Path) -> None:
    """Every link inside the part before the pattern is fine; one that leads nowhere is refused."""
    inbox = Inbox(tmp_path)
    inbox.put("2026-01/a.csv", HEADER + entry("L1"))
    inbox.put("2026-02/a.csv", HEADER + entry("L2"))
    (tmp_path / "2026-02" / "b.csv").symlink_to(tmp_path / "2026-01" / "a.csv")
    (tmp_path / "2026-02" / "c.csv").symlink_to(tmp_path / "2026-01" / "gone.csv")
    landed = inbox.reads("2026-*/*.csv").land()
    assert (["L1", "L2"], 1) == (inbox.leads(), len(landed.already_loaded))
    assert ["it is a link that leads nowhere"] == [refused.reason for refused in landed.refused]


def test_a_pipe_is_no_regular_file(tmp_path: Path) -> None:
    """To open it would wait for ever."""
    import os

    os.mkfifo(tmp_path / "a.csv")
    (found,) = find(Input("crm", "stage_entries", tmp_path / "a.csv"))
    assert "it is not a regular file" == found.refused


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_the_delimiters_of_a_file_are_counted_by_the_one_that_is_declared(tmp_path: Path, encoding: str) -> None:
    """Else every file with semicolons would look broken, and be read line by line."""
    path = tmp_path / "a.csv"
    path.write_bytes("lead_id;stage;note\nL1;MQL;a, b, c, d\n".encode(encoding))
    found = formats.scan_file(
        path, Input("crm", "stage_entries", path, delimiter=";", encoding=encoding), Path(mkdtemp(dir=tmp_path))
    )
    assert 4 == found.delimiters


def test_blank_lines_before_the_header_are_counted(tmp_path: Path) -> None:
    """And no records."""
    (load,) = one_file(tmp_path, "\n\r\n" + HEADER + entry("L1")).land().loads
    assert (4, 2, 1) == (load.lines, load.blank_lines, load.rows_read)


@pytest.mark.parametrize("packing", ["", ".gz", ".zst"])
@pytest.mark.parametrize(
    ("content", "blank"),
    [
        (HEADER + entry("L1") + entry("L2"), 0),
        (HEADER + entry("L1") + "\n\n" + entry("L2") + "\n", 3),
        ("\n" + HEADER + "\n" + entry("L1") + entry("L2"), 2),
        (HEADER + 'L1,MQL,2026-01-05,"Doe, Dana, and ""Co"""\n' + entry("L2"), 0),
    ],
)
def test_an_everyday_file_is_read_the_fast_way(tmp_path: Path, packing: str, content: str, blank: int) -> None:
    """Packed, with blank lines, with delimiters in quotes: it adds up at once, so nothing is said."""
    pack = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}[packing]
    inbox = one_file(tmp_path, pack(content.encode()), f"a.csv{packing}")
    (load,) = inbox.land().loads
    assert (2, blank, ()) == (load.landed, load.blank_lines, load.warnings)
    assert ["L1", "L2"] == inbox.leads()


@pytest.mark.parametrize("kind", [".xlsb", ".ods", ".ODS", ".ods.gz"])
def test_a_kind_that_is_not_read_is_named(tmp_path: Path, kind: str) -> None:
    """By the ending of the name, packed or not, before a byte is read."""
    expected = f"{kind.lower().removesuffix('.gz')} is not read here | save it as .xlsx, or export it as CSV or Parquet"
    assert expected == refusal(one_file(tmp_path, HEADER + entry("L1"), f"a{kind}"))


@pytest.mark.parametrize("kind", [".xlsx", ".XLSX", ".xlsm", ".xlsx.gz"])
def test_what_is_named_as_a_workbook_and_is_none_is_refused(tmp_path: Path, kind: str) -> None:
    """Packed or not."""
    expected = f"it is named {kind.lower().removesuffix('.gz')} and is no workbook | export it again"
    assert expected in refusal(one_file(tmp_path, HEADER + entry("L1"), f"a{kind}"))


@pytest.mark.parametrize("name", ["a.xls", "a.html"])
def test_text_under_another_name_is_read_as_csv(tmp_path: Path, name: str) -> None:
    """Many programs write text and call it .xls."""
    inbox = one_file(tmp_path, HEADER + entry("L1"), name)
    assert ((), ["L1"]) == (inbox.land().refused, inbox.leads())


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_rejected_line_is_kept_as_it_is(tmp_path: Path, end: str) -> None:
    """Blanks, tabs and letters at its end included; only the line end is not part of it."""
    lines = ["L1,MQL,soon,daXX", "L2,MQL,soon,da  ", "L3,MQL,soon,da\t"]
    inbox = one_file(tmp_path, "".join(f"{line}{end}" for line in (HEADER.strip(), *lines)))
    (load,) = inbox.land().loads
    (warning,) = load.warnings  # and not: read line by line
    assert warning.startswith("rejected rows: 3 unreadable_time\n  times look like `aaaa` (3)")
    assert lines == [original for _, _, original in inbox.rejected()]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "latin-1", "utf-16"])
def test_a_file_in_another_encoding_is_known_by_its_own_bytes(tmp_path: Path, encoding: str) -> None:
    """Not by those of the copy that is read."""
    content = (HEADER + entry("L1", owner="Zoë")).replace(",", ";").encode(encoding)
    inbox = one_file(tmp_path, content, "a.csv", encoding=encoding, delimiter=";")
    (load,) = inbox.land().loads
    assert (hashlib.sha256(content).hexdigest(), len(content), 1) == (load.sha256, load.size, load.landed)
    assert [("L1", "Zoë")] == inbox.rows("select lead_id, owner from raw.stage_entries")


def test_utf_16_that_is_not_declared_is_named(tmp_path: Path) -> None:
    """And how to declare it."""
    said = refusal(one_file(tmp_path, (HEADER + entry("L1")).encode("utf-16"), "a.csv"))
    assert 'it is written in UTF-16 | declare encoding = "utf-16" for this input, or export it as UTF-8' == said


def test_a_row_after_a_bad_one_keeps_its_number(tmp_path: Path) -> None:
    """Records are counted as they lie in the file, whether taken or not; also in memory's place, on the disk."""
    inbox = one_file(tmp_path, HEADER + entry("L1") + "cut\n" + entry("L3") + "cut\n" * 4999 + entry("L5003"))
    (load,) = inbox.land().loads
    assert (5003, 3, {"too_few_fields": 5000}) == (load.rows_read, load.landed, load.rejected)
    assert [(1, "L1"), (3, "L3"), (5003, "L5003")] == inbox.rows(
        "select row_number, lead_id from raw.stage_entries order by row_number"
    )
    numbers = [row[0] for row in inbox.rejected()]
    assert [2, *range(4, 5003)] == numbers


def test_blank_lines_alone_are_no_header(tmp_path: Path) -> None:
    """Nothing to bind."""
    assert "there is no header in it" in refusal(one_file(tmp_path, "\n\n\n"))


def test_a_header_whose_quote_never_closes_is_one_bad_line(tmp_path: Path) -> None:
    """The lines below are not searched for its end."""
    said = refusal(one_file(tmp_path, 'lead_id,stage,"entered at\n' + entry("L1") * 20))
    assert "missing columns `entered_at`" in said
    assert "L1" not in said


@pytest.mark.parametrize("start", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0"])
def test_an_archive_named_as_csv_is_refused(tmp_path: Path, start: bytes) -> None:
    """By its first bytes, whatever its name; the pass over lines never gets it."""
    said = refusal(one_file(tmp_path, start + b"x" * 50))
    assert said.startswith(("the zip archive is damaged", "it is a binary workbook"))
    with pytest.raises(FileRefusedError, match="zip archive or an Excel workbook"):
        scan.scan_bytes(tmp_path / "entries.csv")


def test_a_damaged_zst_is_refused(tmp_path: Path) -> None:
    """A byte in the middle."""
    content = bytearray(zstandard.ZstdCompressor(write_checksum=True).compress(random.Random(1).randbytes(5000)))
    content[2500] ^= 255
    assert "the zst file is damaged" in refusal(one_file(tmp_path, bytes(content), "a.csv.zst"))


def test_parquet_has_no_encoding(tmp_path: Path) -> None:
    """One that the input declares is for its text files."""
    content = parquet(tmp_path / "x", "select 'L1' as lead_id, 'MQL' as stage, '2026-01-05' as entered_at")
    assert 1 == one_file(tmp_path / "in", content, "a.parquet", encoding="latin-1").land().loads[0].landed


def test_a_column_that_parquet_lacks_is_named(tmp_path: Path) -> None:
    """As for CSV; only there a header line is asked for."""
    said = refusal(
        one_file(tmp_path / "in", parquet(tmp_path / "x", "select 'L1' as lead_id, 'MQL' as stage"), "a.parquet")
    )
    assert "missing columns `entered_at`; found `lead_id`, `stage`" in said
    assert "header line" not in said


def test_a_damaged_page_without_a_checksum_is_refused_when_it_does_not_unpack(tmp_path: Path) -> None:
    """What the compression itself gives away."""
    query = "select 'L' || hash(range) as lead_id, 'MQL' as stage, '2026-01-05' as entered_at from range(5000)"
    content = bytearray(parquet(tmp_path / "x", query))
    content[400:500] = bytes(100)
    expected = "the Parquet file is damaged or cut short | export or upload it again"
    assert expected == refusal(one_file(tmp_path / "in", bytes(content), "a.parquet"))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"\x15\x00\x15\x80\x01\x15\x02\x15\x00", True),
        (b"\x15\x00\x15\x80\x01\x15\x02\x2c\x15", False),
        (b"\x15\x00\x15\x80", False),
        (b"", False),
        (b"\x15\x00\x25\x02\x15\x02\x15", False),
    ],
)
def test_a_page_header_tells_whether_it_has_a_checksum(header: bytes, expected: bool) -> None:
    """Three whole numbers of any length, then a fourth or not."""
    assert expected == checksums._page_has_crc(header)


def test_many_quarantined_lines_are_all_kept(tmp_path: Path) -> None:
    """They are handed on in batches, by count and by length; each comes with its number and its text."""
    bad = [f"L{number},cut" for number in range(4500)]
    inbox = one_file(tmp_path, HEADER + entry("L1") + "".join(line + "\n" for line in bad))
    inbox.land()
    assert [(number, "too_few_fields", line) for number, line in enumerate(bad, start=2)] == inbox.rejected()


def test_originals_of_a_repaired_file_are_those_of_its_records(tmp_path: Path) -> None:
    """A row without a lead behind a record of several lines and a stray quote keeps its own text."""
    content = (
        HEADER
        + entry("L1", owner='"a\nb"')
        + entry("L2", owner='"x')
        + entry("", owner="dana")
        + entry("L4")
        + entry("")
    )
    inbox = one_file(tmp_path, content)
    inbox.land()
    assert [
        (2, "unclosed_quote", 'L2,MQL,2026-01-05T14:00:00Z,"x'),
        (3, "no_lead", ",MQL,2026-01-05T14:00:00Z,dana"),
        (5, "no_lead", ",MQL,2026-01-05T14:00:00Z,dana"),
    ] == inbox.rejected()


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        (b'a,"b\n\xe9,"c",d\n', ["unclosed_quote", "bad_encoding"]),
        (b'a,"b\nx"y\n', ["unclosed_quote", "too_few_fields"]),
        (b'a,"b\n' + b"x\n" * 10_001, ["unclosed_quote"] + ["too_few_fields"] * 10_001),
        (b'a,"' + b"b" * 600_000 + b"\n" + b"c" * 600_000 + b"\n", ["unclosed_quote", "too_few_fields"]),
    ],
)
def test_a_search_for_a_closing_quote_ends(text: bytes, reasons: list[str]) -> None:
    """At damage, at text behind a quote, after ten thousand lines, after the longest record: and all lines come back."""
    reader = csv_recovery.RecordRecovery(iter(text.splitlines(keepends=True)), 3, b",")
    assert reasons == [record.reason for record in reader]
