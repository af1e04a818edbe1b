"""The parts of reading: the scan of bytes, the header, and CSV row recovery."""

from __future__ import annotations

import csv
import gzip
import io
import random
from pathlib import Path
from tempfile import mkdtemp

import pytest
import zstandard

from pipeline.config.configuration import Input
from pipeline.ingest.files import checksums, formats, scan
from pipeline.ingest.files.scan import scan_bytes
from pipeline.ingest.readers import csv_recovery
from pipeline.ingest.refusal import FileRefusedError
from pipeline.ingest.rows.columns import BindError, bind


def entries(**settings: object) -> Input:
    return Input("crm", "stage_entries", Path("x.csv"), **settings)  # type: ignore[arg-type]


def records(text: bytes, fields: int = 3) -> list[tuple[int, list[bytes] | None, str | None]]:
    reader = csv_recovery.RecordRecovery(iter(text.splitlines(keepends=True)), fields, b",")
    return [(record.number, record.fields, record.reason) for record in reader]


@pytest.mark.parametrize(
    ("content", "lines", "blank"),
    [
        (b"a,b\n1,2\n", 2, 0),
        (b"a,b\n1,2", 2, 0),
        (b"\n\na,b\n\n1,2\n\n\n", 7, 5),
        (b"a,b\r\n\r\n1,2\r\n", 3, 1),
        (b"\xef\xbb\xbfa,b\n1,2\n", 2, 0),
        (b"\xef\xbb\xbf\n", 1, 1),
        (b"x", 1, 0),
    ],
)
def test_the_scan_counts_lines(tmp_path: Path, content: bytes, lines: int, blank: int) -> None:
    """Lines and empty lines are counted with LF and CRLF, a BOM, and with or without a last line end."""
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    result = scan_bytes(path)
    assert (lines, blank) == (result.lines, result.blank)


def test_the_scan_counts_the_same_for_any_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a chunk changes no count and no finding."""
    generator = random.Random(5)
    pieces = [b"ab", b"\n", b"\r\n", "é€".encode(), b'"', b",", b"\n\n", b"\r\n\r\n"]
    for case in range(60):
        content = b"".join(generator.choice(pieces[: 4 if case % 2 else 8]) for _ in range(40)) or b"x"
        path = tmp_path / "a.csv"
        path.write_bytes(content)
        monkeypatch.setattr(scan, "CHUNK_BYTES", 1 << 20)
        whole = scan_bytes(path)
        expected = content.splitlines(keepends=True)
        assert (len(expected), content) == (whole.lines, b"".join(scan.lines_of(path, "none")))
        for size in (1, 2, 3, 7):
            monkeypatch.setattr(scan, "CHUNK_BYTES", size)
            assert expected == list(scan.lines_of(path, "none"))
            parts = scan_bytes(path)
            assert (whole.lines, whole.irregularity, whole.quotes) == (parts.lines, parts.irregularity, parts.quotes)
            if whole.irregularity is None:
                assert whole.blank == parts.blank == sum(not line.strip(b"\r\n") for line in expected)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"a,b\n1,\0\n", "a NUL byte"),
        (b"a,b\n1,caf\xe9\n", "bytes that are not UTF-8"),
        ("a,b\n1,€".encode()[:-1], "bytes that are not UTF-8"),
        (b"a,b\r1,2\r", "line ends of several kinds"),
        (b"a,b\r\n1,2\n", "line ends of several kinds"),
        (b"a,b\n1," + b"x" * 2_500_000 + b"\n", "a very long line"),
        ("a,b\n1,€\n".encode(), None),
    ],
)
def test_the_scan_finds_unusual_bytes(tmp_path: Path, content: bytes, why: str | None) -> None:
    """It finds bytes that DuckDB's reader does not read correctly."""
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    assert why == scan_bytes(path).irregularity


def test_compressed_files_are_scanned_decompressed(tmp_path: Path) -> None:
    """gzip and zst, also with several members, have the counts of the plain file; the SHA-256 is that of the file."""
    content = b"a,b\n" + b"1,2\n" * 100_000
    plain, zipped, packed = tmp_path / "a.csv", tmp_path / "a.csv.gz", tmp_path / "a.csv.zst"
    plain.write_bytes(content)
    zipped.write_bytes(gzip.compress(content[:1000]) + gzip.compress(content[1000:]))
    packer = zstandard.ZstdCompressor()
    packed.write_bytes(packer.compress(content[:1000]) + packer.compress(content[1000:]))
    expected = scan_bytes(plain)
    for path in (zipped, packed):
        result = scan_bytes(path)
        assert (expected.lines, expected.content_size) == (result.lines, result.content_size)
        assert checksums.sha256_of(path) == result.sha256


@pytest.mark.parametrize("cut", [1, 5, 100, 2000])
def test_a_truncated_zst_is_refused(tmp_path: Path, cut: int) -> None:
    """This is so for any missing length."""
    path = tmp_path / "a.csv.zst"
    content = random.Random(1).randbytes(9000)
    path.write_bytes(zstandard.ZstdCompressor(write_checksum=True).compress(content)[:-cut])
    with pytest.raises(FileRefusedError, match="cut short"):
        scan_bytes(path)


def test_a_header_binds_by_name() -> None:
    """Order, case, spaces, underscores, hyphens and a BOM are ignored; other headers are extra columns."""
    bound = bind(("\ufeffEntered-At", " Lead ID ", "Lead Score (0-100)", "STAGE", "", "2nd owner"), entries())
    assert {"lead_id": 1, "stage": 3, "entered_at": 0} == bound.columns
    assert {"lead_score_0_100": 2, "column_5": 4, "nd_owner": 5} == bound.extras


def test_a_mapped_column_takes_its_header_only() -> None:
    """`columns` has priority over a header of our own name, which is an extra column."""
    reads = entries(columns={"entered_at": "Changed", "score": "Points", "owner": "Rep"})
    bound = bind(("lead_id", "stage", "entered_at", "changed", "points", "stage alias"), reads)
    assert {"lead_id": 0, "stage": 1, "entered_at": 3} == bound.columns
    assert {"score": 4, "entered_at_2": 2, "stage_alias_2": 5} == bound.extras
    assert ("owner",) == bound.not_found


def test_missing_and_repeated_headers_do_not_bind() -> None:
    """The message has all missing columns; two headers that are equal after normalisation are refused."""
    with pytest.raises(BindError) as missing:
        bind(("stage", "when"), entries())
    assert ("lead_id", "entered_at") == missing.value.missing
    with pytest.raises(BindError) as twice:
        bind(("lead_id", "stage", "entered_at", "Lead-Id"), entries())
    assert ("Lead-Id",) == twice.value.twice


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'a,"b\nc",d\n', [(1, [b"a", b"b\nc", b"d"], None)]),
        (b'a,"b\n\n""c""",d\n', [(1, [b"a", b'b\n\n"c"', b"d"], None)]),
        (b'a,"b,c\nd,e,f\n', [(1, None, "unclosed_quote"), (2, [b"d", b"e", b"f"], None)]),
        (b'a,"b,c\nd,"e",f\n', [(1, None, "unclosed_quote"), (2, [b"d", b"e", b"f"], None)]),
        (b'a,"b",c\nd,"e', [(1, [b"a", b"b", b"c"], None), (2, None, "unclosed_quote")]),
        (b'a,"b"c,d\ne,5" pipe,f\n', [(1, None, "stray_quote"), (2, [b"e", b'5" pipe', b"f"], None)]),
        (b'a, "b" ,c\n', [(1, [b"a", b"b", b"c"], None)]),
        (b"a,b\n\na,b,c,d\n", [(1, None, "too_few_fields"), (2, None, "too_many_fields")]),
        (b"a,\0,c\n,,\n", [(1, None, "nul_byte"), (2, [b"", b"", b""], None)]),
        (b"a,\xe9,c\n", [(1, None, "bad_encoding")]),
        (b"a,b," + b"x" * 1_000_001 + b"\n", [(1, None, "field_too_long")]),
        (b'"a\nb",c,d\n', [(1, [b"a\nb", b"c", b"d"], None)]),
    ],
)
def test_row_recovery_rejects_only_the_malformed_line(text: bytes, expected: list[object]) -> None:
    """A quoted field may span lines; a stray quote rejects only its own line."""
    assert expected == records(text)


def test_row_recovery_reads_valid_files_like_the_csv_module() -> None:
    """In valid files, with quotes, delimiters and newlines in values, no value is lost or changed."""
    generator = random.Random(11)
    for _ in range(300):
        # No value has delimiters and newlines: by rule, a line that is a whole record is read as one.
        letters = [generator.choice(['ab," ', 'ab"\n']) for _ in range(3)]
        rows = [
            ["".join(generator.choice(letters[column]) for _ in range(generator.randrange(6))) for column in range(3)]
            for _ in range(generator.randrange(1, 6))
        ]
        file = io.StringIO()
        csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
        expected = [[value.encode() for value in row] for row in rows]
        assert expected == [fields for _, fields, _ in records(file.getvalue().encode())]


def test_one_bad_quote_in_a_large_file_rejects_at_most_two_lines() -> None:
    """A quote at any position rejects at most two lines, and every other line is read correctly."""
    generator = random.Random(3)
    clean = [f'{number},"name {number}",x{number}\n'.encode() for number in range(60)]
    for _ in range(300):
        hit = generator.randrange(len(clean))
        at = generator.randrange(len(clean[hit]) - 1)
        damaged = list(clean)
        damaged[hit] = damaged[hit][:at] + b'"' + damaged[hit][at:]
        records_read = records(b"".join(damaged))
        lost = [number for number, fields, _ in records_read if fields is None]
        assert len(lost) <= 2
        right = {number: fields for number, fields, _ in records_read if fields is not None and number != hit + 1}
        for number, fields in right.items():
            assert [f"{number - 1}".encode(), f"name {number - 1}".encode(), f"x{number - 1}".encode()] == fields


@pytest.mark.parametrize("start", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0"])
def test_an_archive_is_refused_before_its_lines_are_counted(tmp_path: Path, start: bytes) -> None:
    """Its first bytes identify it, not its name."""
    path = tmp_path / "a.csv"
    path.write_bytes(start + b"x" * 50)
    with pytest.raises(FileRefusedError, match="zip archive or an Excel workbook"):
        scan_bytes(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_delimiters_are_counted_by_the_declared_one(tmp_path: Path, encoding: str) -> None:
    """Otherwise every file with semicolons would look malformed and be read line by line."""
    path = tmp_path / "a.csv"
    path.write_bytes("lead_id;stage;note\nL1;MQL;a, b, c, d\n".encode(encoding))
    result = formats.scan_file(
        path, Input("crm", "stage_entries", path, delimiter=";", encoding=encoding), Path(mkdtemp(dir=tmp_path))
    )
    assert 4 == result.delimiters


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
def test_the_checksum_of_a_page_header_is_found(header: bytes, expected: bool) -> None:
    """The header has three integers of any length, and optionally a fourth."""
    assert expected == checksums._page_has_crc(header)


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
    """It ends at damage, at text after a quote, after ten thousand lines and after the longest record; no line is lost."""
    reader = csv_recovery.RecordRecovery(iter(text.splitlines(keepends=True)), 3, b",")
    assert reasons == [record.reason for record in reader]
