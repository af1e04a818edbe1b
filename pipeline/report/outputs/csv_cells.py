"""Format values as CSV cells that spreadsheets, pandas and DuckDB read back: numbers to six digits, the rest unchanged."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

SIGNIFICANT_DIGITS = 6
"""Digits of rates and days. More would only show how a division was rounded."""
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
"""Start of a text that a spreadsheet would run. Leading apostrophes match too, so that escaping can be undone."""
_NEEDS_QUOTES = re.compile(r'[",;\t\r\n]|^\s|\s$|^$')


def escape_formula(value: object) -> object:
    """Return a text with a leading apostrophe if a spreadsheet would run it; other values unchanged."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def csv_line(values: Sequence[Any]) -> str:
    """Return one record with its line end (RFC 4180)."""
    return ",".join(map(csv_cell, values)) + "\r\n"


def csv_cell(value: Any) -> str:
    """Return one field: empty for null, `""` for empty text, ISO 8601 for times, six significant digits for
    rates and days, and all digits of integers."""
    if value is None:
        return ""
    if isinstance(value, str):
        text = str(escape_formula(value))
        return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text
    if isinstance(value, list):
        return csv_cell(list_text(value))
    return plain_text(value)


def plain_text(value: Any) -> str:
    """Return a value that is not text as text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return repr(float(f"{value:.{SIGNIFICANT_DIGITS}g}")) if isinstance(value, float) else str(value)


def list_text(values: list[Any]) -> str:
    """Return a list as the text of one cell."""
    return ", ".join(map(plain_text, values))
