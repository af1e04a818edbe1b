"""One JSON document: an array of objects, or one object whose only array of objects is the rows, as an API answers.

The document is cut into the texts of its elements without building it in memory. Each of them is then read as a line of JSON
lines is: what is wrong inside an element costs that element, what is wrong between two of them makes the file unreadable.
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
_INSIDE = re.compile(rb'["\[\]{}]')
_IN_TEXT = re.compile(rb'["\\]')
_SCALAR = re.compile(rb"[^\s,\[\]{}:\"]+")


def is_lines(file_scan: FileScan) -> bool:
    """Whether the file holds JSON lines: its first line is a whole object, and another line follows."""
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
    """The text of each row of the document. Raises Refused when it is cut short or no such document, and for a giant value."""
    stream = _Stream(file_scan)
    begins = stream.peek()
    if begins == b"[":
        yield from stream.array()
    elif begins == b"{":
        place = _key_number_of_rows(file_scan)
        for number, _ in enumerate(stream.keys()):
            if number == place:
                yield from stream.array()
            else:
                stream.skip()
    else:
        raise stream.broken()
    if stream.peek():
        raise stream.broken()


def _key_number_of_rows(file_scan: FileScan) -> int:
    """The number of the key whose value is the array of objects."""
    stream = _Stream(file_scan)
    places = []
    for number, key in enumerate(stream.keys()):
        if stream.peek() == b"[" and stream.begins_with_object():
            places.append((number, key))
        stream.skip()
    if len(places) == 1:
        return places[0][0]
    if places:
        listed = ", ".join(f"`{key[:40]}`" for _, key in places[:10])
        raise FileRefusedError(
            f"the JSON document has several arrays of objects: {listed}", "write one of them into a file of its own"
        )
    raise FileRefusedError(
        "the JSON document is one object without an array of objects in it",
        "write an array of objects, or one object a line into a file named .jsonl",
    )


class _Stream:
    """A cursor over the bytes of a document that holds no more of it than the value under it."""

    def __init__(self, file_scan: FileScan) -> None:
        self._chunks = scan.chunks(file_scan.path, file_scan.compression)
        self._held = b""
        self._at = 0
        self._before = 0
        self._inside = 0

    def broken(self) -> FileRefusedError:
        """What to raise where the document is no JSON."""
        return FileRefusedError(
            f"it is no JSON document, or cut short: byte {self._before + self._at + 1:,} fits nowhere",
            "export it again, or write one object a line into a file named .jsonl",
        )

    def peek(self) -> bytes:
        """The next byte that is no space; empty at the end."""
        while True:
            while self._at < len(self._held):
                byte = self._held[self._at : self._at + 1]
                if byte not in _SPACE:
                    return byte
                self._at += 1
            if not self._more(self._at):
                return b""

    def take(self, expected: bytes) -> None:
        """Step over this byte. Raises Refused when it is another."""
        if self.peek() != expected:
            raise self.broken()
        self._at += 1

    def array(self) -> Iterator[bytes]:
        """The texts of the elements of the array that begins here."""
        self.take(b"[")
        if self.peek() == b"]":
            self.take(b"]")
            return
        while True:
            yield self.value()
            if self.peek() == b"]":
                break
            self.take(b",")
        self.take(b"]")

    def keys(self) -> Iterator[str]:
        """The keys of the object that begins here; the caller steps over each value."""
        self.take(b"{")
        if self.peek() == b"}":
            self.take(b"}")
            return
        while True:
            if self.peek() != b'"':
                raise self.broken()
            key = self.value()
            self.take(b":")
            yield key[1:_MAX_KEY_BYTES].rstrip(b'"').decode("utf-8", "replace")
            if self.peek() == b"}":
                break
            self.take(b",")
        self.take(b"}")

    def begins_with_object(self) -> bool:
        """Whether the array that begins here has an object as its first element. Steps over its bracket."""
        self.take(b"[")
        is_object = self.peek() == b"{"
        self._inside = 1
        return is_object

    def skip(self) -> None:
        """Step over a value of any length."""
        for _ in self._pieces():
            pass

    def value(self) -> bytes:
        """The text of the next value. Raises Refused for one beyond `LONGEST_LINE`."""
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
        """The bytes of the next value, chunk by chunk. `_inside` counts brackets that were stepped over before."""
        first, depth = self.peek(), self._inside
        self._inside = 0
        if (not depth and first not in b'"[{') or not first:
            yield self._scalar()
            return
        start, in_text = self._at, False
        while True:
            found = (_IN_TEXT if in_text else _INSIDE).search(self._held, self._at)
            if found is None or (found[0] == b"\\" and found.end() == len(self._held)):
                end = len(self._held) if found is None else found.start()
                yield self._held[start:end]
                self._at = end
                if not self._more(end):
                    raise self.broken()
                start = self._at
                continue
            self._at = found.end()
            if found[0] == b"\\":
                self._at += 1
                continue
            if found[0] == b'"':
                in_text = not in_text
            elif found[0] in b"[{":
                depth += 1
            else:
                depth -= 1
            if depth <= 0 and not in_text:
                yield self._held[start : self._at]
                return

    def _scalar(self) -> bytes:
        while True:
            found = _SCALAR.match(self._held, self._at)
            if found is None:
                raise self.broken()
            if found.end() < len(self._held) or not self._more(self._at):
                self._at = found.end()
                return found[0]
            if found.end() - found.start() > MAX_LINE_BYTES:
                raise self.broken()

    def _more(self, keep: int) -> bool:
        """Read another chunk, and drop what is before `keep`. False at the end of the file."""
        chunk = next(self._chunks, None)
        if chunk is None:
            return False
        self._before += keep
        self._held = self._held[keep:] + chunk
        self._at -= keep
        return True
