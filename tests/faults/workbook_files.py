"""Workbooks for tests, written by openpyxl, with changes of their XML that no program makes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import openpyxl

HEADER = ("lead_id", "stage", "entered_at", "owner")


def workbook(*rows: Sequence[Any], change: Callable[[Any], object] = lambda _: None) -> bytes:
    """A workbook with a sheet of these rows; `change` gets the openpyxl workbook before it is saved."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "History"
    for row in rows:
        sheet.append(list(row))
    change(book)
    file = io.BytesIO()
    book.save(file)
    # For the same bytes each time: openpyxl writes the current time into this part, and into the archive.
    return with_part(file.getvalue(), "docProps/core.xml", lambda _: b"<none/>")


def with_part(content: bytes, name: str, change: Callable[[bytes], bytes] | None) -> bytes:
    """The workbook with one of its parts changed, or without it."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            part = old.read(member)
            if member.filename != name:
                new.writestr(zipfile.ZipInfo(member.filename), part, zipfile.ZIP_DEFLATED)
            elif change is not None:
                new.writestr(zipfile.ZipInfo(member.filename), change(part), zipfile.ZIP_DEFLATED)
    return file.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def with_cells(cells: str, texts: Sequence[str] = ()) -> bytes:
    """A workbook whose sheet has this XML in `sheetData`, and these shared texts."""
    plain = workbook(HEADER)
    start = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    sheet = with_part(plain, SHEET, lambda _: start + cells.encode() + b"</sheetData></worksheet>")
    shared = "".join(f"<si><t>{text}</t></si>" for text in texts)
    file = io.BytesIO(sheet)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "xl/sharedStrings.xml",
            f'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{shared}</sst>',
        )
    return file.getvalue()
