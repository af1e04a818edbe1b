"""Workbooks for tests: written by openpyxl, and their XML changed as no program would."""

from __future__ import annotations

import base64
import io
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import openpyxl

HEADER = ("lead_id", "stage", "entered_at", "owner")


def workbook(*rows: Sequence[Any], change: Callable[[Any], object] = lambda _: None) -> bytes:
    """A workbook with a sheet of these rows; `change` gets the openpyxl workbook before it is saved."""
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.title = "History"
    for row in rows:
        sheet.append(list(row))
    change(made)
    file = io.BytesIO()
    made.save(file)
    # The same bytes at any time: openpyxl writes the time of the day into this part, and into the archive.
    return with_part(file.getvalue(), "docProps/core.xml", lambda _: b"<none/>")


def with_part(content: bytes, name: str, change: Callable[[bytes], bytes] | None) -> bytes:
    """The workbook with one of its parts changed, or without it."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            held = old.read(member)
            if member.filename != name:
                new.writestr(zipfile.ZipInfo(member.filename), held, zipfile.ZIP_DEFLATED)
            elif change is not None:
                new.writestr(zipfile.ZipInfo(member.filename), change(held), zipfile.ZIP_DEFLATED)
    return file.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def with_cells(cells: str, texts: Sequence[str] = ()) -> bytes:
    """A workbook whose sheet has this XML inside `sheetData`, and these shared texts."""
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


# A binary workbook as Excel 97 to 2003 wrote them: a hidden sheet "Old", and "History" with a date cell and a text.
BINARY = zlib.decompress(
    base64.b64decode(
        "eNrtWE9IFUEY/83uPt/T/PM0DTSQh5CV6aG6RGDPgjJCTaMoIng920Uf+nZlfRCvQ1n2jkEQBEUXwQ4pWF36Qx3q1iEw6hAEgRZ06RQUdFC3b77d"
        "NTUDX5Rg7G+Zb2a++eabb2e+b2Z2X02WT43cr5nGEuyBijmnEAULeIJSoV+JgtodRxb9PELJCbCmUBihhSwI4UnJy7BcQ7ne01BwT3tOFPhA6RQG"
        "0GGZRmwVsY9tSAppQ7PQyPcU3KJUimq2q4LpGabrmd5l2adMW5hzhWkzyU6Jk5iMdzTs8vz4hFLHbaVEBR5yn3fM2Y4qvJB+fOGqcGVD2Gunkv1r"
        "rKFWK8YoaElbDdOwZb0Kt2XQZglN6XSTrsd6e3en01OopEUfxTcnBnz1o/tZLOCvLl+A+N8X88O/4UdoKZfyrykaMATntJAuncM6HNOkP6g43K/n"
        "UIbxkBQM42BqMGPZ2RkcRZG3oZObmFamN2X2UKnfSOqJlE7Sg5lkj0EyhpkxbENPJDPEtM6SP6lAe1cb7RWHZuwew6TAadtBow1alsk6eVOJLtpU"
        "SjjUionqZIwsl3PAReltZu58ed3e3RlPMGeIDxL3uNkk3woOLsoe1Ll0vsWlDdxjG9NLrHUjl2uYVlI0UF7fWeUVDgyzzGVuradxdjLexDcvKG+h"
        "cu5z16Pa3Mf4VipPtE6fq5x4Gx9BHc2WTv3lM4xG0Shu3pB4HPdz4W1M75lW/7JJRZSoZ7vjnallmOV1AM0HH7xKBR5IUdrEfmI1ZlVlqq3hWdWW"
        "nVX5xm7Nnx23plBNna+pVNM8XWKJrvNKEfPKcV248oJ1yYhSafbk4VSB8bGxsYHspxa3Xeor8PQprH+xbQrrC3vjK/P63Jq0LeJ7A5bzhgABAgQI"
        "ECBAgD+E4IuQe/mT15+Qd7EMe/91ZinNBb9J/lscgUVPhj4m98Ok3EY2L//ZgJDwdYkV9vH/F0ocp9Ft9KGb7ejL23/pw0AsfJ8Vd4z+vRDKd/y5"
        "fOz8x+P/AEaEGww="
    )
)
