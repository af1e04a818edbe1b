"""CSV recovery: reads on after a malformed line, so that a stray quote rejects one line and not the rest of the file.

A quoted field may span lines. If a line inside it is a complete record by itself, the opening quote is stray, and only the line
with that quote is rejected.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from pipeline.ingest.files.scan import MAX_RECORD_BYTES

_MAX_RECORD_LINES = 10_000
"""Lines of a quoted field before its quote counts as stray. Without a limit a damaged file needs quadratic time."""

_QUOTED = re.compile(rb' *"([^"]*(?:""[^"]*)*)(")? *')
"""A field in quotes; its second group is the closing quote, if there is one."""


@dataclass(frozen=True)
class Record:
    """One record after the header, by number (1 = first). A rejected record has a `reason` and no `fields`.

    `original` is its text without the last line end; `newlines` counts line ends inside the record.
    """

    number: int
    fields: list[bytes] | None
    reason: str | None
    original: bytes
    newlines: int = 0


@dataclass
class Tally:
    """Counts of one pass: records, rejected records, blank lines or rows, and line ends inside values."""

    records: int = 0
    rejected: int = 0
    blank: int = 0
    newlines: int = 0


class RecordRecovery:
    """Iterator over the records in lines (with line ends, without the header). Counts the lines, and the blank ones."""

    def __init__(self, lines: Iterator[bytes], fields: int, delimiter: bytes) -> None:
        self._unread: deque[bytes] = deque()
        self._lines = lines
        self._fields = fields
        self._delimiter = delimiter
        self.lines = self.blank = 0

    def __iter__(self) -> Iterator[Record]:
        number = 0
        while (line := self._next()) is not None:
            text = line.rstrip(b"\r\n")
            if not text:
                self.blank += 1
                continue
            number += 1
            yield self._record(number, text, line)

    def _record(self, number: int, text: bytes, line: bytes) -> Record:
        damaged = damage_reason(text)
        if damaged is not None:
            return Record(number, None, damaged, text)
        if b'"' not in text:
            return self._check_fields(number, text.split(self._delimiter), text)
        fields, state = split(text, self._delimiter)
        if state == "whole":
            return self._check_fields(number, fields, text)
        if state == "stray":
            return Record(number, None, "stray_quote", text)
        return self._spanning(number, text, line)

    def _spanning(self, number: int, text: bytes, line: bytes) -> Record:
        """Return the record that begins with an open quote. If the quote is stray, reject its line and read the others again."""
        lines, length = [line], len(line)
        while len(lines) < _MAX_RECORD_LINES and length <= MAX_RECORD_BYTES:
            following = self._next()
            if following is None:
                break
            lines.append(following)
            length += len(following)
            alone = following.rstrip(b"\r\n")
            if damage_reason(alone) is not None or self._is_whole(alone):
                break
            if _closes(alone):
                joined = b"".join(lines).rstrip(b"\r\n")
                fields, state = split(joined, self._delimiter)
                if state == "whole" and self._fits(fields):
                    return Record(number, fields[: self._fields], None, joined, newlines=len(lines) - 1)
                if state != "open":
                    break
        self._unread.extendleft(reversed(lines[1:]))
        return Record(number, None, "unclosed_quote", text)

    def _is_whole(self, alone: bytes) -> bool:
        """Whether a line is a complete record with the fields of the header and without stray quotes."""
        if alone.count(self._delimiter) < self._fields - 1:
            return False
        fields, state = split(alone, self._delimiter, strict=True)
        return state == "whole" and len(fields) == self._fields

    def _check_fields(self, number: int, fields: list[bytes], text: bytes) -> Record:
        if self._fits(fields):
            return Record(number, fields[: self._fields], None, text)
        return Record(number, None, "too_few_fields" if len(fields) < self._fields else "too_many_fields", text)

    def _fits(self, fields: list[bytes]) -> bool:
        return len(fields) == self._fields

    def _next(self) -> bytes | None:
        if self._unread:
            return self._unread.popleft()
        line = next(self._lines, None)
        self.lines += line is not None
        return line


def split(text: bytes, delimiter: bytes, *, strict: bool = False) -> tuple[list[bytes], str]:
    """Return the fields of a text and its state: "whole", "open" (inside quotes) or "stray" (text after a closing quote).

    Like DuckDB, ignores spaces around a quoted field. A quote inside an unquoted field is part of the text, or "stray" if `strict`.
    """
    fields: list[bytes] = []
    at = 0
    while True:
        if found := _QUOTED.match(text, at):
            value, at = found[1].replace(b'""', b'"'), found.end()
            if found[2] is None:
                return fields, "open"
            if at < len(text) and text[at : at + 1] != delimiter:
                return fields, "stray"
        else:
            end = text.find(delimiter, at)
            value, at = (text[at:], len(text)) if end < 0 else (text[at:end], end)
            if strict and b'"' in value:
                return fields, "stray"
        fields.append(value)
        if at >= len(text):
            return fields, "whole"
        at += 1


def _closes(line: bytes) -> bool:
    """Whether a line that begins inside quotes closes them; two quotes together are an escaped one.

    Looks at this line only, so that a long field needs linear time.
    """
    return b'"' in line.replace(b'""', b"")


def damage_reason(text: bytes) -> str | None:
    """Return the reason to reject a text, or None."""
    if b"\0" in text:
        return "nul_byte"
    if not text.isascii():
        try:
            text.decode("utf-8")
        except UnicodeDecodeError:
            return "bad_encoding"
    return "field_too_long" if len(text) > MAX_RECORD_BYTES else None


def quoted_line(number: int, fields: list[bytes]) -> bytes:
    """Return a record as a line of our copy: its number, then every field in quotes."""
    cells = chain((str(number).encode(),), fields)
    return b",".join(b'"' + cell.replace(b'"', b'""') + b'"' for cell in cells) + b"\n"


def printable_text(original: bytes) -> str:
    """Return the original lines as text; a byte that is not UTF-8 becomes \\xe9, a NUL becomes \\x00."""
    return original.decode("utf-8", "backslashreplace").replace("\0", "\\x00")
