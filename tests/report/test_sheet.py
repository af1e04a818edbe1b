"""A plain sheet has the bytes that xlsxwriter itself would write, and takes less time."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from pipeline.report.sheet import PlainSheet, fitting, serial

FORMATS = ("#,##0", "yyyy-mm-dd", None, "0.0 %", None)
NOTHING = (None, None, None, None, None)
ODD: list[tuple[Any, ...]] = [
    (1, date(2026, 3, 31), "MQL → SAL", 0.1 + 0.2, True),
    (-(2**62), datetime(2026, 3, 31, 23, 59, 59, 999999), "", 1e-300, False),
    (0, date(1900, 1, 2), " <b>&\"' ", 1.0, None),
    (None, date(1900, 2, 28), "=1+1", None, None),
    (10**15 + 1, date(1900, 3, 1), "x" * 40_000, 1 / 3, None),
    (None, datetime(9999, 12, 31), "😀" * 17_000, 2 / 3, None),
    NOTHING,
    *((number, date(2020, 1, 1) + timedelta(number), f"lead {number % 3}", number / 7, None) for number in range(40)),
    *([NOTHING] * 40),
    (None, None, "alone", None, None),
    (None, None, "last but one", None, None),
    NOTHING,
]


def book(rows: list[tuple[Any, ...]], *, plain: bool) -> dict[str, bytes]:
    """The parts of a workbook of these rows; by our sheet, or cell by cell by that of xlsxwriter."""
    held = io.BytesIO()
    with Workbook(held, {"in_memory": True}) as made:
        made.set_properties({"created": datetime(2026, 3, 31)})  # the hour of writing is a part of the file
        formats = tuple(made.add_format({"num_format": each}) if each else None for each in FORMATS)
        for _ in range(2):  # texts and formats are shared between sheets
            sheet = made.add_worksheet(None, PlainSheet if plain else Worksheet)
            for column, word in enumerate(("n", "day", "text", "share", "yes")):
                sheet.write_string(0, column, word)
                sheet.write_comment(0, column, word)
            if isinstance(sheet, PlainSheet):
                sheet.formats = formats
                for row in rows:
                    sheet.add_row(row)
            else:
                one_by_one(sheet, formats, rows)
            sheet.autofilter(0, 0, len(rows), 4)
    with zipfile.ZipFile(held) as parts:
        return {name: parts.read(name) for name in parts.namelist()}


def one_by_one(sheet: Worksheet, formats: tuple[Any, ...], rows: list[tuple[Any, ...]]) -> None:
    for line, row in enumerate(rows, 1):
        for column, value in enumerate(row):
            if isinstance(value, bool):
                sheet.write_boolean(line, column, value)
            elif isinstance(value, date):
                moment = datetime(value.year, value.month, value.day) if type(value) is date else value
                sheet.write_datetime(line, column, moment, formats[column])
            elif isinstance(value, str):
                sheet.write_string(line, column, value)
            elif value is not None:
                sheet.write_number(line, column, value, formats[column])


@pytest.mark.parametrize("rows", [ODD, ODD[:1], [NOTHING], [], ODD[:15], ODD[7:38]], ids=range(6))
def test_the_bytes_are_those_of_xlsxwriter(rows: list[tuple[Any, ...]]) -> None:
    """Every part of the file: numbers, dates about 1900, texts that need care, empty cells and rows, formats."""
    ours, theirs = book(rows, plain=True), book(rows, plain=False)
    assert theirs.keys() == ours.keys()
    assert [] == [name for name in theirs if theirs[name] != ours[name]]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_no_number_is_an_error(number: float) -> None:
    """A spreadsheet would call such a file damaged."""
    with pytest.raises(TypeError):
        book([(number, None, None, None, None)], plain=True)


def test_a_text_is_cut_between_letters() -> None:
    """At 32,767 units, of which some letters take two."""
    assert ("x" * 32_767, "😀" * 16_383) == (fitting("x" * 40_000), fitting("😀" * 17_000))


def test_the_first_day_is_day_one() -> None:
    """Of which xlsxwriter makes the 0th of January, since it takes midnight for a time without a day."""
    assert (1, 59, 61) == (serial(date(1900, 1, 1)), serial(date(1900, 2, 28)), serial(datetime(1900, 3, 1)))
