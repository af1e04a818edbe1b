"""docs/FAULTS.md, 97: a file that is not UTF-8 never loses only its rows with umlauts."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from delivery import HEADER, Inbox, entry, one_file, refusal

from pipeline.ingest.files import scan

NAMES = ["Jürgen", "dana", "Renée", "Øyvind", "Jürgen", "José", "Müller", "dana", "Núñez"]
TEXT = HEADER + "".join(entry(f"L{number}", owner=name) for number, name in enumerate(NAMES))


def owners(inbox: Inbox) -> list[str]:
    inbox.land()
    return [owner for (owner,) in inbox.rows("select owner from raw.stage_entries order by row_number")]


@pytest.mark.parametrize("name", ["entries.csv", "entries.csv.gz"])
def test_undeclared_windows_1252_is_refused_with_the_line_to_write(tmp_path: Path, name: str) -> None:
    """F97: Nothing of the file is loaded, and the setting in the message reads all of it."""
    content = TEXT.encode("cp1252")
    content = gzip.compress(content) if name.endswith("gz") else content
    assert (
        "it is not UTF-8 (8 bytes), and can be read as Windows-1252 | "
        'write encoding = "cp1252" for this input if names look right with it, or export the file as UTF-8'
    ) == refusal(one_file(tmp_path / "a", content, name))
    assert NAMES == owners(one_file(tmp_path / "b", content, name, encoding="cp1252"))


def test_a_file_in_neither_encoding_gets_other_encodings_named(tmp_path: Path) -> None:
    """F97: The ü of code page 850 is undefined in Windows-1252."""
    reason = refusal(one_file(tmp_path / "a", TEXT.replace("Ø", "O").encode("cp850")))
    assert "it is neither UTF-8 (7 bytes) nor Windows-1252 | export it as UTF-8, or declare its encoding" in reason
    assert 'encoding = "cp850"' in reason
    assert "Jürgen" in owners(one_file(tmp_path / "b", TEXT.replace("Ø", "O").encode("cp850"), encoding="cp850"))


def test_a_nul_does_not_hide_the_encoding(tmp_path: Path) -> None:
    """F97: A file with a NUL and another encoding is not read row by row either."""
    assert "Windows-1252" in refusal(one_file(tmp_path, (TEXT + entry("L9", owner="a\0b")).encode("cp1252")))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
def test_auto_finds_the_encoding(tmp_path: Path, encoding: str, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """F97: It finds UTF-8 with and without a byte order mark, UTF-16 with one, else Windows-1252, in any chunks."""
    monkeypatch.setattr(scan, "CHUNK_BYTES", chunk)
    assert NAMES == owners(one_file(tmp_path, TEXT.encode(encoding), encoding="auto"))


@pytest.mark.parametrize("encoding", ["auto", "utf-8"])
def test_two_encodings_in_one_file_are_refused(tmp_path: Path, encoding: str) -> None:
    """F97: In either encoding half of the names would be wrong."""
    mixed = TEXT.encode("cp1252") + TEXT.removeprefix(HEADER).replace("L", "K").encode()
    assert (
        "a part of it is UTF-8, but 8 bytes are not; it may be two exports in one file | export it as UTF-8 throughout"
    ) == refusal(one_file(tmp_path, mixed, encoding=encoding))


def test_an_undefined_byte_rejects_its_line_if_windows_1252_is_declared(tmp_path: Path) -> None:
    """F97: With a declared encoding the other lines are read."""
    content = TEXT.encode("cp1252") + b"L9,MQL,2026-01-05T14:00:00Z,a\x81b\n"
    inbox = one_file(tmp_path, content, encoding="cp1252")
    assert NAMES == owners(inbox)
    assert [(10, "bad_encoding")] == [row[:2] for row in inbox.rejected()]


def test_auto_leaves_parquet_alone(tmp_path: Path) -> None:
    """F97: Parquet has its own encoding."""
    import duckdb

    duckdb.execute(
        "copy (select 'L1' as lead_id, 'MQL' as stage, '2026-01-05' as entered_at, 'Jürgen' as owner) "
        f"to '{tmp_path / 'a.parquet'}' (format parquet)"
    )
    inbox = Inbox(tmp_path).reads("a.parquet", encoding="auto")
    assert ["Jürgen"] == owners(inbox)
