"""Find the header of a CSV file, bind it to the columns of the input table, and explain a header that does not fit."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from pipeline.config.configuration import Input
from pipeline.config.input_tables import CONTRACTS
from pipeline.ingest.adapters import known_formats, reshaping
from pipeline.ingest.adapters.reshaping import Plan
from pipeline.ingest.files import scan
from pipeline.ingest.files.scan import FileScan
from pipeline.ingest.readers import csv_recovery
from pipeline.ingest.refusal import FileRefusedError, MissingColumnsError
from pipeline.ingest.rows.columns import BindError, Bound, bind, normalise_header

_DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
_HEADER_SEARCH_LINES = 50
_MAX_HEADER_LINES = 10

MAX_COLUMNS = 2_000
"""Columns of a file. Each one needs memory, even if it is not used."""


@dataclass(frozen=True)
class Header:
    """The header of a file and counts of the lines before its first record.

    `skip` counts all these lines, `blank` the empty ones, `lines` the lines of the header, and `delimiters` the delimiters in
    all of them. `plan` is set if the input reshapes records into rows. `bound` can then contain columns that the plan creates;
    they are numbered after the columns of the file.
    """

    names: tuple[str, ...]
    bound: Bound
    skip: int = 0
    blank: int = 0
    lines: int = 1
    delimiters: int = 0
    plan: Plan | None = None

    def name_of(self, position: int) -> str:
        """Return the name of a column of the file, or of a column that the plan creates."""
        return (self.names if self.plan is None else (*self.names, *self.plan.made))[position]


def bind_header(names: tuple[str, ...], input_: Input) -> Header:
    """Return the bound header. Raises BindError, or FileRefusedError if reshaping needs a column that is missing."""
    if input_.reshaping is None:
        return Header(names, bind(names, input_))
    bound, plan = reshaping.plan(names, input_)
    return Header(names, bound, plan=plan)


def header_of(file_scan: FileScan, input_: Input) -> Header:
    """Find and bind the header. Raises FileRefusedError with the columns of the file and a hint."""
    start = list(islice(scan.lines_of(file_scan.path, file_scan.compression), input_.skip_lines + _HEADER_SEARCH_LINES))
    at = input_.skip_lines
    blank = sum(1 for line in start[:at] if not line.strip(b"\r\n"))
    while at < len(start) and not start[at].strip(b"\r\n"):
        at, blank = at + 1, blank + 1
    if at >= len(start):
        raise FileRefusedError("there is no header in it", "export the file again, or correct skip_lines")
    lines = _lines_of_header(start[at : at + _MAX_HEADER_LINES])
    names = _cells(b"".join(start[at : at + lines]), input_.delimiter)
    refuse_too_many_columns(names)
    try:
        delimiters = b"".join(start[: at + lines]).count(input_.delimiter.encode())
        return replace(bind_header(names, input_), skip=at + lines, blank=blank, lines=lines, delimiters=delimiters)
    except BindError as problem:
        raise _bind_error(problem, names, start[at:], input_) from None


def refuse_too_many_columns(names: Sequence[str]) -> None:
    """Raises FileRefusedError if a file has more than `MAX_COLUMNS` columns."""
    if len(names) > MAX_COLUMNS:
        raise FileRefusedError(
            f"it has {len(names):,} columns, and at most {MAX_COLUMNS:,} are read",
            "export it with fewer; only those that the funnel uses are needed",
        )


def missing_columns_error(
    problem: BindError, names: tuple[str, ...], input_: Input, *, remedy: str = "export the file with them"
) -> FileRefusedError:
    """Return the error for a header that does not bind. It does not repeat names that may be values of a file without a header."""
    if problem.twice:
        return FileRefusedError(
            f"the header names a column twice: {_quoted_names(problem.twice)}", "rename one of the two columns"
        )
    have_names = _look_like_names(names, input_)
    header_text = _quoted_names(names) if have_names else f"{len(names)} fields that look like values, not names"
    mapped = "".join(
        f"; columns maps {column} to `{input_.columns[column]}`, which is no header of the file"
        for column in problem.missing
        if column in input_.columns
    )
    near = {column: nearest_header(column, names, input_) for column in problem.missing} if have_names else {}
    written = input_.columns | {column: near.get(column) or "their name" for column in problem.missing}
    columns = (
        "columns = { "
        + ", ".join(f"{column} = {json.dumps(name, ensure_ascii=False)}" for column, name in written.items())
        + " }"
    )
    is_known = all(near.get(column) for column in problem.missing)
    return MissingColumnsError(
        f"missing columns {_quoted_names(problem.missing)}{mapped}{_format_headers(problem.missing, input_)}; found {header_text}",
        known_formats.advice(names, input_)
        or (f"write {columns}" if is_known else f"{remedy}, or map its names: {columns}"),
    )


def _format_headers(missing: Sequence[str], input_: Input) -> str:
    """Return the headers that the input's format accepts for the missing columns."""
    if input_.reshaping is None:
        return ""
    known = [each.header for column in missing for each in input_.reshaping.names.get(column, ())]
    return f"; the format {input_.format} looks for {_quoted_names(tuple(known))}" if known else ""


def nearest_header(column: str, names: tuple[str, ...], input_: Input) -> str | None:
    """Return the header most similar to the one that `columns` maps, or else to the column name; None if none is similar."""
    taken = {_letters(header) for name, header in input_.columns.items() if name != column}
    free = {_letters(name): name for name in reversed(names) if _letters(name) not in taken}
    for wanted in (input_.columns.get(column, column), column):
        if close := difflib.get_close_matches(_letters(wanted), free, n=1, cutoff=0.75):
            return free[close[0]]
    return None


def _letters(header: str) -> str:
    return re.sub(r"[^a-z0-9]", "", header.casefold())


def _lines_of_header(start: list[bytes]) -> int:
    """Return the number of lines of the header, which may contain line ends in quotes; 1 if its quotes never close."""
    for lines in range(1, len(start) + 1):
        if b"".join(start[:lines]).count(b'"') % 2 == 0:
            return lines
    return 1


def _cells(line: bytes, delimiter: str) -> tuple[str, ...]:
    text = line.rstrip(b"\r\n")
    cells, state = csv_recovery.split(text, delimiter.encode())
    if state != "whole":
        cells = text.split(delimiter.encode())
    return tuple(cell.decode("utf-8", "replace").replace("\ufeff", "").replace("\0", "").strip() for cell in cells)


def _bind_error(problem: BindError, names: tuple[str, ...], start: list[bytes], input_: Input) -> FileRefusedError:
    plain = missing_columns_error(problem, names, input_, remedy="give the file a header line")
    if problem.twice:
        return plain
    if start[0].lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return FileRefusedError(
            f"missing columns {_quoted_names(problem.missing)}: it is a web page, probably a login page",
            "download the export again while logged in",
        )
    for delimiter, word in _DELIMITERS.items():
        if delimiter != input_.delimiter and binds(_cells(start[0], delimiter), replace(input_, delimiter=delimiter)):
            shown = delimiter.replace("\t", "\\t")
            return FileRefusedError(
                f"missing columns {_quoted_names(problem.missing)}; the fields are separated by {word}",
                f'declare delimiter = "{shown}" for this input',
            )
    for number, line in enumerate(start[1:], start=1):
        if binds(_cells(line, input_.delimiter), input_):
            return FileRefusedError(
                f"missing columns {_quoted_names(problem.missing)}; the header is not the first line",
                f"declare skip_lines = {input_.skip_lines + number} for this input",
            )
    return plain


def binds(names: tuple[str, ...], input_: Input) -> bool:
    """Whether these names are a header of the input."""
    try:
        bind_header(names, input_)
    except (BindError, FileRefusedError):
        return False
    return True


def _look_like_names(names: tuple[str, ...], input_: Input) -> bool:
    known = {normalise_header(column.name) for column in CONTRACTS[input_.table].columns}
    known |= {normalise_header(header) for header in input_.columns.values()}
    if any(normalise_header(name) in known for name in names):
        return True
    return not any(character.isdigit() or character == "@" for name in names for character in name)


def _quoted_names(names: tuple[str, ...]) -> str:
    shown = [f"`{''.join(c if c.isprintable() else '?' for c in name[:40])}`" for name in names[:30]]
    more = f" and {len(names) - 30} more" if len(names) > 30 else ""
    return ", ".join(shown) + more if names else "none"
