"""Read a JSON document: an array of objects, or one object with exactly one array of objects, like a response of an API.

The document is split into the texts of its elements without loading it into memory; each text is then read like a line of
JSON lines. An error inside an element rejects that element; an error between elements makes the file unreadable.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from pipeline.ingest.files import scan
from pipeline.ingest.files.scan import MAX_LINE_BYTES, FileScan
from pipeline.ingest.refusal import FileRefusedError

SUFFIX = ".json"

_MAX_KEY_BYTES = 10_000
_SPACE = b" \t\r\n"
_LINE_END = re.compile(rb"[\r\n]")
_QUOTE_OR_BRACKET = re.compile(rb'["\[\]{}]')
_QUOTE_OR_ESCAPE = re.compile(rb'["\\]')
_SCALAR = re.compile(rb"[^\s,\[\]{}:\"]+")


def is_lines(file_scan: FileScan) -> bool:
    """Whether the file contains JSON lines: its first line is a complete object and another line follows."""
    chunks = scan.chunks(file_scan.path, file_scan.compression)
    head, rest = b"", []
    for chunk in chunks:
        head, *rest = _LINE_END.split((head + chunk).lstrip(), maxsplit=1)
        if rest or len(head) > scan.MAX_RECORD_BYTES:
            break
    follows = b"".join(rest).strip() or any(chunk.strip() for chunk in chunks)
    return bool(rest and follows) and _is_object(head)


def _is_object(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def elements(file_scan: FileScan) -> Iterator[bytes]:
    """Yield the text of each row. Raises FileRefusedError if the document is not valid or complete, or a value is too long."""
    stream = _Stream(file_scan)
    begins = stream.peek()
    if begins == b"[":
        yield from stream.array()
    elif begins == b"{":
        rows_key = _key_number_of_rows(file_scan)
        for number, _ in enumerate(stream.keys()):
            if number == rows_key:
                yield from stream.array()
            else:
                stream.skip()
    else:
        raise stream.broken()
    if stream.peek():
        raise stream.broken()


def _key_number_of_rows(file_scan: FileScan) -> int:
    """Return the number of the key whose value is the array of objects. Raises FileRefusedError if there is not exactly one."""
    stream = _Stream(file_scan)
    arrays = []
    for number, key in enumerate(stream.keys()):
        if stream.peek() == b"[" and stream.begins_with_object():
            arrays.append((number, key))
        stream.skip()
    if len(arrays) == 1:
        return arrays[0][0]
    if arrays:
        listed = ", ".join(f"`{key[:40]}`" for _, key in arrays[:10])
        raise FileRefusedError(
            f"the JSON document has several arrays of objects: {listed}", "write one of them into a file of its own"
        )
    raise FileRefusedError(
        "the JSON document is one object without an array of objects in it",
        "write an array of objects, or one object a line into a file named .jsonl",
    )


class _Stream:
    """A position in a document. Keeps only the current value in memory."""

    def __init__(self, file_scan: FileScan) -> None:
        self._chunks = scan.chunks(file_scan.path, file_scan.compression)
        self._buffer = b""
        self._at = 0
        self._before = 0
        self._depth = 0

    def broken(self) -> FileRefusedError:
        """Return the error for a document that is not valid JSON."""
        return FileRefusedError(
            f"it is not a JSON document, or cut short: unexpected byte {self._before + self._at + 1:,}",
            "export it again, or write one object a line into a file named .jsonl",
        )

    def peek(self) -> bytes:
        """Return the next byte that is not white space; empty at the end."""
        while True:
            while self._at < len(self._buffer):
                byte = self._buffer[self._at : self._at + 1]
                if byte not in _SPACE:
                    return byte
                self._at += 1
            if not self._more(self._at):
                return b""

    def expect(self, expected: bytes) -> None:
        """Skip the expected byte. Raises FileRefusedError for any other byte."""
        if self.peek() != expected:
            raise self.broken()
        self._at += 1

    def array(self) -> Iterator[bytes]:
        """Yield the texts of the elements of the array at this position."""
        return (self.value() for _ in self._items(b"[", b"]"))

    def keys(self) -> Iterator[str]:
        """Yield the keys of the object at this position; the caller skips each value."""
        for _ in self._items(b"{", b"}"):
            if self.peek() != b'"':
                raise self.broken()
            key = self.value()
            self.expect(b":")
            yield key[1:_MAX_KEY_BYTES].rstrip(b'"').decode("utf-8", "replace")

    def _items(self, opening: bytes, closing: bytes) -> Iterator[None]:
        """Yield at the start of each element between two brackets; the caller reads it."""
        self.expect(opening)
        if self.peek() != closing:
            yield
            while self.peek() != closing:
                self.expect(b",")
                yield
        self.expect(closing)

    def begins_with_object(self) -> bool:
        """Whether the first element of the array at this position is an object. Skips the opening bracket."""
        self.expect(b"[")
        is_object = self.peek() == b"{"
        self._depth = 1
        return is_object

    def skip(self) -> None:
        """Skip a value of any length."""
        for _ in self._pieces():
            pass

    def value(self) -> bytes:
        """Return the text of the next value. Raises FileRefusedError if it is longer than `MAX_LINE_BYTES`."""
        pieces, length = [], 0
        for piece in self._pieces():
            pieces.append(piece)
            length += len(piece)
            if length > MAX_LINE_BYTES:
                raise FileRefusedError(
                    f"a value of the JSON document has more than {MAX_LINE_BYTES // 1_000_000} MB",
                    "export it without that value",
                )
        return b"".join(pieces)

    def _pieces(self) -> Iterator[bytes]:
        """Yield the bytes of the next value in chunks. `_depth` counts opening brackets that were skipped before."""
        first, depth = self.peek(), self._depth
        self._depth = 0
        if (not depth and first not in b'"[{') or not first:
            yield self._scalar()
            return
        start, in_text = self._at, False
        while True:
            match = (_QUOTE_OR_ESCAPE if in_text else _QUOTE_OR_BRACKET).search(self._buffer, self._at)
            if match is None or (match[0] == b"\\" and match.end() == len(self._buffer)):
                end = len(self._buffer) if match is None else match.start()
                yield self._buffer[start:end]
                self._at = end
                if not self._more(end):
                    raise self.broken()
                start = self._at
                continue
            self._at = match.end()
            if match[0] == b"\\":
                self._at += 1
                continue
            if match[0] == b'"':
                in_text = not in_text
            elif match[0] in b"[{":
                depth += 1
            else:
                depth -= 1
            if depth <= 0 and not in_text:
                yield self._buffer[start : self._at]
                return

    def _scalar(self) -> bytes:
        while True:
            match = _SCALAR.match(self._buffer, self._at)
            if match is None:
                raise self.broken()
            if match.end() < len(self._buffer) or not self._more(self._at):
                self._at = match.end()
                return match[0]
            if match.end() - match.start() > MAX_LINE_BYTES:
                raise self.broken()

    def _more(self, keep: int) -> bool:
        """Read the next chunk and drop the bytes before `keep`. Returns False at the end of the file."""
        chunk = next(self._chunks, None)
        if chunk is None:
            return False
        self._before += keep
        self._buffer = self._buffer[keep:] + chunk
        self._at -= keep
        return True
