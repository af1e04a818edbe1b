"""The reader of last resort: finds its way back after a bad line, so that a stray quote costs one line and not a file.

A quoted field may span lines, unless a line inside it is by itself a whole record: then the opening quote is
stray, and only the line that holds it is quarantined.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from pipeline.ingest.files.scan import MAX_RECORD_BYTES

_MAX_RECORD_LINES = 10_000
"""Lines that an open quote may span before it is taken for stray; keeps a hopeless file from taking quadratic time."""


@dataclass(frozen=True)
class Record:
    """One record after the header, by number (1 = first). `fields` is None when `reason` says why it is quarantined.

    `original` holds the physical lines without the last line end; `newlines` counts line ends inside the record.
    """

    number: int
    fields: list[bytes] | None
    reason: str | None
    original: bytes
    newlines: int = 0


class RecordRecovery:
    """Iterates the records of a file's lines (with line ends, header already taken). Counts blank lines on the way."""

    def __init__(self, lines: Iterator[bytes], fields: int, delimiter: bytes) -> None:
        self._waiting: deque[bytes] = deque()
        self._lines = lines
        self._fields = fields
        self._delimiter = delimiter
        self.blank = 0

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
            return self._judged(number, text.split(self._delimiter), text)
        fields, state = split(text, self._delimiter)
        if state == "whole":
            return self._judged(number, fields, text)
        if state == "stray":
            return Record(number, None, "stray_quote", text)
        return self._spanning(number, text, line)

    def _spanning(self, number: int, text: bytes, line: bytes) -> Record:
        """The record that an open quote begins, or its first line alone in quarantine and the rest put back."""
        held, length = [line], len(line)
        while len(held) < _MAX_RECORD_LINES and length <= MAX_RECORD_BYTES:
            following = self._next()
            if following is None:
                break
            held.append(following)
            length += len(following)
            alone = following.rstrip(b"\r\n")
            if damage_reason(alone) is not None or self._is_whole(alone):
                break
            if _closes(alone):
                joined = b"".join(held).rstrip(b"\r\n")
                fields, state = split(joined, self._delimiter)
                if state == "whole" and self._fits(fields):
                    return Record(number, fields[: self._fields], None, joined, newlines=len(held) - 1)
                if state != "open":
                    break
        self._waiting.extendleft(reversed(held[1:]))
        return Record(number, None, "unclosed_quote", text)

    def _is_whole(self, alone: bytes) -> bool:
        """Whether a line is by itself a record as the header wants it, with no quote where none may be."""
        if alone.count(self._delimiter) < self._fields - 1:
            return False
        fields, state = split(alone, self._delimiter, strict=True)
        return state == "whole" and len(fields) == self._fields

    def _judged(self, number: int, fields: list[bytes], text: bytes) -> Record:
        if self._fits(fields):
            return Record(number, fields[: self._fields], None, text)
        return Record(number, None, "too_few_fields" if len(fields) < self._fields else "too_many_fields", text)

    def _fits(self, fields: list[bytes]) -> bool:
        return len(fields) == self._fields

    def _next(self) -> bytes | None:
        return self._waiting.popleft() if self._waiting else next(self._lines, None)


def split(text: bytes, delimiter: bytes, *, strict: bool = False) -> tuple[list[bytes], str]:
    """The fields of a text and how it ended: "whole", "open" (inside quotes) or "stray" (text behind a closing quote).

    Spaces around a quoted field are not part of it, as DuckDB reads it. A quote inside an unquoted field is itself,
    unless `strict`, which calls it stray.
    """
    fields: list[bytes] = []
    at, end = 0, len(text)
    while True:
        start = at
        while start < end and text[start] == 0x20:
            start += 1
        if start < end and text[start] == 0x22:
            value, at = _quoted(text, start + 1)
            if at < 0:
                return fields, "open"
            while at < end and text[at] == 0x20:
                at += 1
            if at < end and text[at : at + 1] != delimiter:
                return fields, "stray"
        else:
            found = text.find(delimiter, at)
            stop = end if found < 0 else found
            value, at = text[at:stop], stop
            if strict and b'"' in value:
                return fields, "stray"
        fields.append(value)
        if at >= end:
            return fields, "whole"
        at += 1


def _quoted(text: bytes, at: int) -> tuple[bytes, int]:
    """The value of a quoted field that begins at `at`, and where it ends (behind the quote), or -1 if it does not."""
    parts = []
    while True:
        found = text.find(b'"', at)
        if found < 0:
            return b"", -1
        parts.append(text[at:found])
        if text[found + 1 : found + 2] != b'"':
            return b'"'.join(parts), found + 1
        at = found + 2


def _closes(line: bytes) -> bool:
    """Whether a line that begins inside quotes ends them: two quotes together are one of the text.

    To look at the line alone keeps the time of a long field linear.
    """
    return b'"' in line.replace(b'""', b"")


def damage_reason(text: bytes) -> str | None:
    """Why no reader may have this text, or None."""
    if b"\0" in text:
        return "nul_byte"
    if not text.isascii():
        try:
            text.decode("utf-8")
        except UnicodeDecodeError:
            return "bad_encoding"
    return "field_too_long" if len(text) > MAX_RECORD_BYTES else None


def quoted_line(number: int, fields: list[bytes]) -> bytes:
    """A record as a line of the repaired copy: its number, then every field in quotes."""
    cells = chain((str(number).encode(),), fields)
    return b",".join(b'"' + cell.replace(b'"', b'""') + b'"' for cell in cells) + b"\n"


def printable_text(original: bytes) -> str:
    """The original lines as text; a byte that is none, or a NUL, shows as \\xe9 or \\x00."""
    return original.decode("utf-8", "backslashreplace").replace("\0", "\\x00")
