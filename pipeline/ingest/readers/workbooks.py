"""Read one sheet of an .xlsx or .xlsm workbook as rows of text. Formulas and macros are not run: values are read as saved.

A binary .xls is refused, because a damaged one can make the reader use up all memory.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

from pipeline.config.configuration import Input
from pipeline.ingest.files import archives
from pipeline.ingest.readers import workbook_parts
from pipeline.ingest.readers.grids import Grid
from pipeline.ingest.refusal import FileRefusedError

Cell = int | float | str | bool | time | date | datetime | timedelta

OLE_SIGNATURE = b"\xd0\xcf\x11\xe0"
"""First bytes of a binary .xls, and of an encrypted workbook."""

_MAX_EXACT = 1 << 53


def grid_of(path: Path, input_: Input, work: Path) -> Grid:
    """Return the rows of the configured sheet. `work` is a folder for a copy.

    Raises FileRefusedError if the workbook is encrypted, damaged or too large, or has no such sheet.
    """
    if not archives.is_zip(path):
        raise _ole_error(path)
    copy = work / "workbook.xlsx"
    name, errors = workbook_parts.copy_checked(path, input_.sheet, copy)
    from python_calamine import CalamineWorkbook  # imported here because only workbooks need it

    with _reader_errors():
        sheet = CalamineWorkbook.from_path(copy).get_sheet_by_name(name)
        first = (sheet.start or (0, 0))[1]
        merged = tuple(sheet.merged_cell_ranges or ())
    is_long = any("%Y-%d" in each for each in input_.time_formats)

    def rows() -> Iterator[list[str]]:
        before = [""] * first
        with _reader_errors():
            for row in sheet.iter_rows():
                yield before + [text_of(value, is_long=is_long) for value in row]

    verb = "cell of the sheet holds an error" if errors == 1 else "cells of the sheet hold an error"
    remarks = (f"{errors:,} {verb} such as #N/A or #REF!; read as empty",) if errors else ()
    return Grid(rows, f"the sheet `{name}`", merged, remarks)


def _ole_error(path: Path) -> FileRefusedError:
    """Return the error for an OLE file."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content.find("EncryptedPackage".encode("utf-16-le")) >= 0:
            return FileRefusedError("the workbook is encrypted", "save it without a password")
    return FileRefusedError(
        "it is a binary workbook, as Excel wrote them until 2003", "save it as .xlsx, or export it as CSV"
    )


@contextmanager
def _reader_errors() -> Iterator[None]:
    """Turn the errors of the workbook reader, Rust panics included, into FileRefusedError."""
    from python_calamine import CalamineError, PasswordError

    try:
        yield
    except PasswordError:
        raise FileRefusedError("the workbook is encrypted", "save it without a password") from None
    except (CalamineError, ValueError, OSError):
        raise _damage_error() from None
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            raise _damage_error() from None
        raise


def _damage_error() -> FileRefusedError:
    return FileRefusedError(
        "the workbook is damaged, or of a kind that is not read", "save it as .xlsx, or export it as CSV"
    )


def with_iso_times(input_: Input) -> Input:
    """Return the settings for a sheet: ISO 8601 is added as the last time format, because date cells are read as ISO 8601."""
    formats = input_.time_formats
    return input_ if "iso" in formats else replace(input_, time_format=(*formats, "iso"))


def text_of(value: Cell, *, is_long: bool = False) -> str:
    """Return a cell as text: whole numbers without decimals, TRUE and FALSE, dates and times in ISO 8601, durations as hours.

    `is_long` writes dates as date, T and time, so that a pattern such as %Y-%d-%m can't read them as another day.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (int, float)):
        return str(int(value)) if value == value // 1 and abs(value) < _MAX_EXACT else str(value)
    if isinstance(value, datetime):
        return value.isoformat(sep="T" if is_long else " ")
    if isinstance(value, timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    return f"{value.isoformat()}T00:00:00" if is_long and isinstance(value, date) else value.isoformat()
