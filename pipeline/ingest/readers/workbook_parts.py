"""Check the parts of an .xlsx workbook that are read, and copy them, before the workbook reader opens them.

A workbook is a zip archive of XML files. A malicious one can use up all memory: by its compression ratio, by a cell in a far
corner, or by one long text that a million cells share. This module counts the needed memory while it copies one sheet.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from array import array
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from pipeline.ingest.files import archives
from pipeline.ingest.refusal import FileRefusedError

MAX_CELLS = 12_000_000
"""Cells in the used rectangle of a sheet, empty ones included. It allows Excel's 1,048,576 rows with 11 columns."""

MAX_XML_BYTES = 1_500_000_000
"""Decompressed size of the parts that are read."""

MAX_TEXT_BYTES = 1_000_000_000
"""Size of the texts of all cells; a shared text counts once per cell."""

AS_CSV = "export the sheet as CSV, or the data as Parquet"

_MAX_INDEX_BYTES = 10_000_000
_MAX_CELL_BYTES = 4_000_000
_TOKEN = re.compile(rb"<(?:\w+:)?(row|c|v|is)(?![\w.:-])([^>]*)>([0-9]*)")
_ITEM = re.compile(rb"<(?:\w+:)?si(?![\w.:-])")
_REFERENCE = re.compile(rb"""(?:^|\s)r\s*=\s*["']([A-Za-z]{0,3})([0-9]{1,7})["']""")
_TYPE = re.compile(rb"""(?:^|\s)t\s*=\s*["'](\w+)["']""")
_FIXED_PARTS = ("[content_types].xml", "_rels/.rels", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml")
_TEXTS = "xl/sharedstrings.xml"


def copy_checked(path: Path, sheet: str | int | None, copy: Path) -> tuple[str, int]:
    """Write the parts of one sheet to `copy`, uncompressed. Returns its name and the number of cells with an error.

    Raises FileRefusedError if the workbook is damaged or too large, or has no such sheet.
    """
    with archives.open_archive(path) as archive:
        members: dict[str, zipfile.ZipInfo] = {}
        for member in archive.infolist():
            members.setdefault(member.filename.lstrip("/").lower(), member)
        if "xl/workbook.xml" not in members:
            raise FileRefusedError("it is not an .xlsx workbook", "save it as .xlsx, or export it as CSV or Parquet")
        budget = archives.Budget(path.stat().st_size, MAX_XML_BYTES, AS_CSV)
        name, part = _find_sheet(archive, members, sheet, budget)
        texts = _SharedTexts()
        cells = _Cells(texts)
        with zipfile.ZipFile(copy, "w", zipfile.ZIP_STORED) as out:
            for wanted in (*_FIXED_PARTS, _TEXTS, part):
                if wanted in members:
                    count = texts.see if wanted == _TEXTS else cells.see if wanted == part else None
                    _copy_part(archive, members[wanted], out, count, budget)
                texts.close()
        cells.check()
    return name, cells.errors


def _copy_part(
    archive: zipfile.ZipFile,
    member: zipfile.ZipInfo,
    out: zipfile.ZipFile,
    count: Callable[[bytes], None] | None,
    budget: archives.Budget,
) -> None:
    with out.open(member.filename.lstrip("/"), "w", force_zip64=True) as part:
        buffer = b""
        for chunk in archives.copy_member(archive, member, budget):
            part.write(chunk)
            buffer += chunk
            cut = buffer.rfind(b"<")
            _check_xml(buffer[:cut] if cut > 0 else b"", count)
            buffer = buffer[cut:] if cut > 0 else buffer
            if len(buffer) > _MAX_CELL_BYTES:
                raise FileRefusedError("a cell of the workbook has a text of several megabytes", AS_CSV)
        _check_xml(buffer, count)


def _check_xml(content: bytes, count: Callable[[bytes], None] | None) -> None:
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content or b"\0" in content:
        raise FileRefusedError(
            "the XML in the workbook defines entities or is not UTF-8, which workbook programs never write", AS_CSV
        )
    if count is not None:
        count(content)


class _SharedTexts:
    """Lengths of the shared texts, in bytes of XML."""

    def __init__(self) -> None:
        self.lengths = array("q")
        self._at = 0
        self._begins: int | None = None

    def see(self, content: bytes) -> None:
        for match in _ITEM.finditer(content):
            self._end(self._at + match.start())
            self._begins = self._at + match.start()
        self._at += len(content)

    def close(self) -> None:
        self._end(self._at)
        self._begins = None

    def _end(self, at: int) -> None:
        if self._begins is not None:
            self.lengths.append(at - self._begins)

    def length(self, number: bytes) -> int:
        index = int(number[:9] or b"0")
        return self.lengths[index] if index < len(self.lengths) else 0


class _Cells:
    """Counts for the cells of a sheet: their rectangle, the size of their texts, and the errors."""

    def __init__(self, texts: _SharedTexts) -> None:
        self._texts = texts
        self._row = self._column = 0
        self._rows = [1 << 60, 0]
        self._columns = [1 << 60, 0]
        self._is_shared = False
        self._text = 0
        self.errors = 0

    def see(self, content: bytes) -> None:
        for match in _TOKEN.finditer(content):
            kind, attributes, number = match.groups()
            if kind == b"c":
                self._cell(attributes)
            elif kind == b"row":
                reference = _REFERENCE.search(attributes)
                self._row = int(reference[2]) if reference else self._row + 1
                self._column = 0
            else:
                self._value(number)

    def _cell(self, attributes: bytes) -> None:
        reference = _REFERENCE.search(attributes)
        if reference:
            self._row, self._column = int(reference[2]), _column_number(reference[1])
        else:
            self._column += 1
        kind = _TYPE.search(attributes)
        self._is_shared = kind is not None and kind[1] == b"s"
        self.errors += kind is not None and kind[1] == b"e"

    def _value(self, number: bytes) -> None:
        for bounds, here in ((self._rows, self._row), (self._columns, self._column)):
            bounds[0], bounds[1] = min(bounds[0], here), max(bounds[1], here)
        if self._is_shared:
            self._text += self._texts.length(number)

    def check(self) -> None:
        """Raises FileRefusedError if the sheet needs too much memory."""
        rows, columns = (max(0, last - first + 1) for first, last in (self._rows, self._columns))
        if rows * columns > MAX_CELLS:
            raise FileRefusedError(
                f"the sheet fills {rows:,} rows by {columns:,} columns, and at most {MAX_CELLS:,} cells are read",
                AS_CSV,
            )
        if self._text > MAX_TEXT_BYTES:
            raise FileRefusedError("the texts in the cells of the sheet are more than 1 GB", AS_CSV)


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _find_sheet(
    archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], sheet: str | int | None, budget: archives.Budget
) -> tuple[str, str]:
    """Return the name of the sheet to read and the name of its part, in lower case."""
    sheets = []
    targets = {}
    for element in _parse_xml(archive, members.get("xl/_rels/workbook.xml.rels"), budget).iter():
        target = element.get("Target", "")
        targets[element.get("Id", "")] = posixpath.normpath(posixpath.join("/xl", target)).lstrip("/").lower()
    for element in _parse_xml(archive, members["xl/workbook.xml"], budget).iter():
        if element.tag.rpartition("}")[2] == "sheet":
            link = next((value for key, value in element.items() if key.endswith("}id")), "")
            sheets.append((element.get("name", ""), element.get("state", "visible"), targets.get(link, "")))
    name = choose_sheet([(name, state == "visible") for name, state, part in sheets if "worksheets/" in part], sheet)
    part = next(part for each, _, part in sheets if each == name)
    if part not in members:
        raise FileRefusedError("the workbook is damaged: the sheet is not in it", "save it again")
    return name, part


def choose_sheet(sheets: list[tuple[str, bool]], wanted: str | int | None) -> str:
    """Return the name of the sheet that `wanted` selects from `sheets` (name, is visible). Raises FileRefusedError."""
    names = [name for name, _ in sheets]
    visible = [name for name, is_visible in sheets if is_visible]
    if isinstance(wanted, str):
        same = [name for name in names if name == wanted] or [
            name for name in names if name.strip().casefold() == wanted.strip().casefold()
        ]
        if len(same) == 1:
            return same[0]
    elif (wanted or 1) <= len(visible):
        return visible[(wanted or 1) - 1]
    listed = ", ".join(f"`{name[:60]}`" for name in visible[:20]) or "none"
    label = f"`{wanted}`" if isinstance(wanted, str) else f"number {wanted or 1}"
    first = visible[0] if visible else "…"
    raise FileRefusedError(f"there is no sheet {label} in the workbook; it has {listed}", f'write sheet = "{first}"')


def _parse_xml(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo | None, budget: archives.Budget
) -> ElementTree.Element:
    content = b""
    if member is not None:
        for chunk in archives.copy_member(archive, member, archives.Budget(budget.packed, _MAX_INDEX_BYTES, AS_CSV)):
            content += chunk
        _check_xml(content, None)
    try:
        return ElementTree.fromstring(content)
    except (ElementTree.ParseError, LookupError, ValueError):
        raise FileRefusedError(
            "the workbook is damaged: the list of its sheets can't be read", "save it again"
        ) from None
