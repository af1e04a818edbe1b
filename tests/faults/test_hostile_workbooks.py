"""Workbooks that are damaged, hostile or of another kind are refused."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from delivery import one_file, refusal

from pipeline.ingest.files import archives
from pipeline.ingest.readers import workbook_parts, workbooks
from pipeline.ingest.refusal import FileRefusedError
from tests.faults.test_workbooks import NOON
from tests.faults.workbook_files import HEADER, SHEET, with_cells, with_part, workbook


def far_corner(row: int, column: str) -> str:
    return f'<row r="1"><c r="A1"><v>1</v></c></row><row r="{row}"><c r="{column}{row}"><v>1</v></c></row>'


LONG = "x" * 32_000
HOSTILE = {
    "a far corner": (with_cells(far_corner(1048576, "XFD")), "the sheet fills 1,048,576 rows by 16,384 columns"),
    "without references": (
        with_cells("<row>" + "<c><v>1</v></c>" * 16_000 + "</row>" + "<row><c><v>1</v></c></row>" * 1_000),
        "the sheet fills 1,001 rows by 16,000 columns",
    ),
    "a long text in every cell": (
        with_cells(
            "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>1</v></c></row>' for n in range(1, 40_000)), ["a", LONG]
        ),
        "the texts in the cells of the sheet are more than 1 GB",
    ),
    "one cell of megabytes": (
        with_cells(f'<row r="1"><c r="A1" t="inlineStr"><is><t>{"x" * 6_000_000}</t></is></c></row>'),
        "a cell of the workbook has a text of several megabytes",
    ),
    "entities in the sheet": (
        with_part(workbook(HEADER), SHEET, lambda old: b'<!DOCTYPE a [<!ENTITY b "c">]>' + old),
        "the XML in the workbook defines entities",
    ),
    "entities in the list of sheets": (
        with_part(workbook(HEADER), "xl/workbook.xml", lambda old: b'<!DOCTYPE a [<!ENTITY b "c">]>' + old),
        "the XML in the workbook defines entities",
    ),
    "UTF-16": (
        with_part(workbook(HEADER), SHEET, lambda old: old.decode().encode("utf-16")),
        "the XML in the workbook defines entities or is not UTF-8",
    ),
    "a broken list of sheets": (
        with_part(workbook(HEADER), "xl/workbook.xml", lambda old: old[:-20]),
        "the list of its sheets can't be read",
    ),
    "no list of parts at all": (
        with_part(workbook(HEADER), "xl/_rels/workbook.xml.rels", None),
        "the list of its sheets can't be read",
    ),
    "no list of sheets": (with_part(workbook(HEADER), "xl/workbook.xml", None), "it is not an .xlsx workbook"),
    "no list of parts": (
        with_part(workbook(HEADER), "xl/_rels/workbook.xml.rels", lambda _: b"<a/>"),
        "there is no sheet number 1 in the workbook; it has none",
    ),
    "a part that is not there": (
        with_part(workbook(HEADER), "xl/_rels/workbook.xml.rels", lambda old: old.replace(b"sheet1", b"sheet7")),
        "the workbook is damaged: the sheet is not in it",
    ),
    "a broken sheet": (
        with_part(workbook(HEADER, ("L1", "MQL", NOON)), SHEET, lambda old: old[: len(old) // 2]),
        "the workbook is damaged, or of a kind that is not read",
    ),
    "broken styles": (
        with_part(workbook(HEADER), "xl/styles.xml", lambda _: b"<styleSheet><cellXfs><xf numFmtId='x'"),
        "the workbook is damaged, or of a kind that is not read",
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_workbook_is_refused(tmp_path: Path, what: str) -> None:
    """F100: It is refused before a reader opens it, which would take memory."""
    content, reason = HOSTILE[what]
    assert reason in refusal(one_file(tmp_path, content, "entries.xlsx"))


def test_a_zip_bomb_is_refused_by_its_ratio(tmp_path: Path) -> None:
    """F100: The workbook has 90 MB of blanks in 90 kB."""
    content = with_cells((" " * 1_000 + "<x/>") * 90_000 + far_corner(2, "A"))
    assert len(content) < 300_000
    assert f"more than {archives.MAX_RATIO} times its size" in refusal(one_file(tmp_path, content, "entries.xlsx"))


def test_a_size_beyond_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F100: The limit applies to the decompressed bytes."""
    monkeypatch.setattr(workbook_parts, "MAX_XML_BYTES", 5_000)
    reason = refusal(one_file(tmp_path, workbook(HEADER), "entries.xlsx"))
    assert "it decompresses to more than 0.0 GB | export the sheet as CSV, or the data as Parquet" == reason


def test_the_checks_work_for_any_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F100: A cell that spans two chunks is one cell."""
    content, reason = HOSTILE["a long text in every cell"]
    (tmp_path / "a.xlsx").write_bytes(content)
    monkeypatch.setattr("pipeline.ingest.files.scan.CHUNK_BYTES", 1_001)
    with pytest.raises(FileRefusedError, match=reason):
        workbook_parts.copy_checked(tmp_path / "a.xlsx", None, tmp_path / "copy.xlsx")
    (tmp_path / "b.xlsx").write_bytes(with_cells("<row><c t='e'><v>#N/A</v></c></row>" * 1_000))
    assert 1_000 == workbook_parts.copy_checked(tmp_path / "b.xlsx", None, tmp_path / "copy.xlsx")[1]


def envelope(*names: str) -> bytes:
    """The start of an OLE file with these stream names in its directory."""
    return (
        workbooks.OLE_SIGNATURE
        + b"\xa1\xb1\x1a\xe1"
        + bytes(1_000)
        + b"".join(name.encode("utf-16-le") for name in names)
    )


@pytest.mark.parametrize("name", ["entries.xlsx", "entries.xls"])
def test_an_encrypted_workbook_is_refused(tmp_path: Path, name: str) -> None:
    """F100: The message says that it is encrypted, not damaged."""
    content = envelope("EncryptionInfo", "EncryptedPackage")
    assert "the workbook is encrypted | save it without a password" == refusal(one_file(tmp_path, content, name))


@pytest.mark.parametrize("name", ["entries.xlsx", "entries.xls", "entries.csv"])
def test_a_binary_workbook_is_refused(tmp_path: Path, name: str) -> None:
    """F100: A damaged one would crash the reader."""
    assert (
        "it is a binary workbook, as Excel wrote them until 2003 | save it as .xlsx, or export it as CSV"
    ) == refusal(one_file(tmp_path, envelope("Workbook"), name))


def test_random_damage_is_refused_or_read(tmp_path: Path) -> None:
    """F100: After any lost byte the workbook is refused or read to the last row, and the run continues."""
    content = bytearray(workbook(HEADER, *((f"L{n}", "MQL", NOON, "dana") for n in range(20))))
    for at in range(0, len(content), 61):
        broken = bytearray(content)
        broken[at] ^= 0x55
        outcome = one_file(tmp_path / str(at), bytes(broken), "entries.xlsx").land()
        assert len(outcome.refused) + len(outcome.loads) == 1
        assert [20] == [load.rows_read for load in outcome.loads] or outcome.refused


def test_an_exception_of_the_reader_refuses_the_workbook() -> None:
    """F100: A panic, which is no Exception, refuses it too; other exceptions are raised."""

    class PanicException(BaseException):
        pass

    from python_calamine import CalamineError, PasswordError

    for error, reason in (
        (PanicException(), "damaged"), (CalamineError(), "damaged"), (PasswordError(), "encrypted"), (OSError(), "damaged"),
    ):  # fmt: skip
        with pytest.raises(FileRefusedError, match=reason), workbooks._reader_errors():
            raise error
    with pytest.raises(KeyboardInterrupt), workbooks._reader_errors():
        raise KeyboardInterrupt


def test_other_office_files_are_refused(tmp_path: Path) -> None:
    """F100: A text document is no archive of exports."""
    content = workbook(HEADER)
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w") as new:
        for member in old.infolist():
            new.writestr(member.filename.replace("xl/", "word/"), old.read(member))
    assert "it is not an .xlsx workbook | save it as .xlsx" in refusal(
        one_file(tmp_path, file.getvalue(), "entries.xlsx")
    )
