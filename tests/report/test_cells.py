"""Values become cells of a CSV file by RFC 4180, and never a formula."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from pipeline.report.outputs.csv_cells import csv_cell, csv_line, escape_formula


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("=1+1", "'=1+1"),
        ("'=1+1", "''=1+1"),
        ("-5", "'-5"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("＝1", "'＝1"),
        ("a=1", "a=1"),
        ("'t Hooft", "'t Hooft"),
        (-5, -5),
        (-0.5, -0.5),
        (None, None),
    ],
)
def test_only_texts_that_would_run_are_escaped(value: object, expected: object) -> None:
    """A text that begins like a formula gets an apostrophe, numbers and names do not."""
    assert expected == escape_formula(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        ("", '""'),
        (True, "true"),
        (1234567, "1234567"),
        (12345678, "12345678"),
        (2 / 3, "0.666667"),
        (-2 / 3, "-0.666667"),
        (0.5, "0.5"),
        (1.0, "1.0"),
        (0.0, "0.0"),
        (212.6520486111111, "212.652"),
        (1234567.89, "1234570.0"),
        (0.000012345678, "1.23457e-05"),
        (-1, "-1"),
        (date(2026, 3, 1), "2026-03-01"),
        (datetime(2026, 3, 1, 9, 0, 0), "2026-03-01 09:00:00"),
        ('say "hi", or', '"say ""hi"", or"'),
        ("two\nlines", '"two\nlines"'),
        (" x", '" x"'),
        ("\t=1", '"\'\t=1"'),
        ([2, 7], '"2, 7"'),
        ([], '""'),
    ],
)
def test_a_cell_is_written_by_rfc_4180(value: object, expected: str) -> None:
    """Null is empty, an empty text two quotes, quotes are doubled, rates and days have six significant digits."""
    assert expected == csv_cell(value)
    assert f"{expected},x\r\n" == csv_line([value, "x"])
