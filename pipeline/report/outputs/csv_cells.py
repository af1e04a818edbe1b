"""Values to the cells of a CSV file: what a spreadsheet, pandas and DuckDB all read back as it was."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
"""How a text begins that a spreadsheet would run; apostrophes before it, so that what the guard adds can be taken off."""
_NEEDS_QUOTES = re.compile(r'[",;\t\r\n]|^\s|\s$|^$')


def escape_formula(value: object) -> object:
    """A text that a spreadsheet would run as a formula gets a leading apostrophe; everything else is as it was."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def csv_line(values: Sequence[Any]) -> str:
    """One record as RFC 4180 has it, with its line end."""
    return ",".join(map(csv_cell, values)) + "\r\n"


def csv_cell(value: Any) -> str:
    """One field: nothing for null, `""` for an empty text, ISO 8601 for dates and times, every digit of a number."""
    if value is None:
        return ""
    if isinstance(value, str):
        text = str(escape_formula(value))
        return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text
    if isinstance(value, list):
        return csv_cell(list_text(value))
    return plain_text(value)


def plain_text(value: Any) -> str:
    """A value that is no text, as text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return repr(value) if isinstance(value, float) else str(value)


def list_text(values: list[Any]) -> str:
    """A list in one cell."""
    return ", ".join(map(plain_text, values))
