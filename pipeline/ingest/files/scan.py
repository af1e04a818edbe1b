"""Scan the bytes of a file once before parsing: its kind, whether it is complete, and its counts of lines."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import zstandard

from pipeline.ingest.files.checksums import sha256_of
from pipeline.ingest.refusal import FileRefusedError

Compression = Literal["none", "gzip", "zstd"]
Kind = Literal["lines", "workbook", "json", "html"]
"""Content of a file that is not Parquet: lines of CSV or JSON, a workbook, one JSON document, or a web page."""

CHUNK_BYTES = 1 << 20
"""Bytes that are read at a time."""

MAX_RECORD_BYTES = 1_000_000
"""A longer record is rejected."""

MAX_LINE_BYTES = 64_000_000
"""A file with a longer line is refused, because a line must fit in memory."""

_GZIP, _ZSTD, _PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"
_SKIPPABLE = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")
"""Start of a zstd frame without content. Some tools, such as pzstd, write one first."""
_BOM = codecs.BOM_UTF8


@dataclass(frozen=True)
class FileScan:
    """Result of a scan. `size` is the size of the file, `content_size` its decompressed size, both in bytes.

    Lines end with LF, CRLF or CR; the last line may have no line end. `blank` counts empty lines.
    """

    path: Path
    compression: Compression
    sha256: str
    size: int
    content_size: int = 0
    is_parquet: bool = False
    is_json_lines: bool = False
    """By the name of the file: a CSV line may look like JSON."""
    kind: Kind = "lines"
    lines: int = 0
    blank: int = 0
    quotes: int = 0
    delimiters: int = 0
    is_utf8: bool = True
    irregularity: str | None = None
    """Why only CSV recovery can read the file (a NUL, bad UTF-8, mixed line ends, a long line), or None."""


def scan_bytes(path: Path, delimiter: str = ",", *, longest_line: int | None = MAX_LINE_BYTES) -> FileScan:
    """Read a whole file once. `longest_line` is in bytes; None for a file that is not made of lines.

    Raises FileRefusedError if the file is empty, truncated or damaged, has a line longer than `longest_line`, or does not match
    its suffix.
    """
    compression = _compression(path)
    if compression == "none" and first_bytes(path) == _PARQUET:
        size = path.stat().st_size
        return FileScan(path, "none", sha256_of(path), size, size, is_parquet=True)
    if path.name.lower().endswith((".parquet", ".pq")):
        raise FileRefusedError("it is named as Parquet and does not begin as Parquet", "export the file again")
    digest = hashlib.sha256()
    count = _LineCounter(delimiter.encode())
    for chunk in chunks(path, compression, digest.update):
        count.add(chunk)
    count.close()
    if not count.bytes:
        raise FileRefusedError("the file is empty, it has not even a header", "export the file again, or remove it")
    if count.is_all_nul:
        raise FileRefusedError(
            "it holds nothing but NUL bytes", "export the file again; the disk or the transfer lost its content"
        )
    if longest_line is not None and count.longest > longest_line:
        raise FileRefusedError(
            f"it has a line of {count.longest / 1_000_000:,.0f} MB, and at most {longest_line / 1_000_000:,.0f} MB are read",
            "export it with line ends between the records, and without that value",
        )
    return FileScan(
        path,
        compression,
        digest.hexdigest(),
        path.stat().st_size,
        count.bytes,
        lines=count.lines,
        blank=count.blank,
        quotes=count.quotes,
        delimiters=count.delimiters,
        is_utf8=not count.is_not_utf8,
        irregularity=count.find_irregularity(),
    )


def chunks(path: Path, compression: Compression, observe: Callable[[bytes], object] | None = None) -> Iterator[bytes]:
    """Yield the decompressed content without a BOM. `observe` receives the raw bytes. Raises FileRefusedError."""
    with path.open("rb") as raw:
        content = {"none": _plain, "gzip": _gunzip, "zstd": _unzstd}[compression](raw, observe or (lambda _: None))
        first = next(content, b"")
        while 0 < len(first) < 3:
            more = next(content, b"")
            if not more:
                break
            first += more
        yield first.removeprefix(_BOM)
        yield from content


def lines_of(path: Path, compression: Compression) -> Iterator[bytes]:
    """Yield every line with its line end (LF, CRLF or CR), decompressed, without a BOM."""
    rest = b""
    for chunk in chunks(path, compression):
        buffer = rest + chunk
        if buffer.endswith(b"\r"):  # the LF of a CRLF may come with the next chunk
            rest = buffer
            continue
        lines = buffer.splitlines(keepends=True)
        rest = lines.pop() if lines and not lines[-1].endswith((b"\n", b"\r")) else b""
        yield from lines
    yield from rest.splitlines(keepends=True)


def _compression(path: Path) -> Compression:
    suffix = path.suffix.lower()
    start = first_bytes(path)
    is_zstd = start == _ZSTD or _SKIPPABLE.fullmatch(start) is not None
    detected: Compression = "gzip" if start[:2] == _GZIP else "zstd" if is_zstd else "none"
    named: Compression = "gzip" if suffix in (".gz", ".gzip") else "zstd" if suffix in (".zst", ".zstd") else "none"
    if start in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        raise FileRefusedError("it is a zip archive or an Excel workbook", "export it as CSV or Parquet")
    if named != "none" and detected != named and start:
        raise FileRefusedError(f"it is named {suffix} and is not {named}", "export it again, or name it by what it is")
    return detected


def first_bytes(path: Path) -> bytes:
    """Return the first four bytes of a file, which show its kind."""
    with path.open("rb") as file:
        return file.read(4)


def _plain(raw: IO[bytes], observe: Callable[[bytes], object]) -> Iterator[bytes]:
    while chunk := raw.read(CHUNK_BYTES):
        observe(chunk)
        yield chunk


class _ObservedFile:
    """A file that passes each chunk that gzip reads to `observe`."""

    def __init__(self, raw: IO[bytes], observe: Callable[[bytes], object]) -> None:
        self._raw, self._observe = raw, observe

    def read(self, size: int = -1) -> bytes:
        chunk = self._raw.read(size)
        self._observe(chunk)
        return chunk


def _gunzip(raw: IO[bytes], observe: Callable[[bytes], object]) -> Iterator[bytes]:
    try:
        with gzip.GzipFile(fileobj=_ObservedFile(raw, observe), mode="rb") as content:  # type: ignore[call-overload]
            while chunk := content.read(CHUNK_BYTES):
                yield chunk
    except EOFError:
        raise FileRefusedError("the gzip file is cut short", "upload it again") from None
    except (gzip.BadGzipFile, zlib.error):
        raise FileRefusedError("the gzip file is damaged (its checksum does not fit)", "upload it again") from None


def _unzstd(raw: IO[bytes], observe: Callable[[bytes], object]) -> Iterator[bytes]:
    # The stream reader of the library does not report a truncated frame.
    decompress = zstandard.ZstdDecompressor().decompressobj()
    is_started = False
    try:
        while compressed := raw.read(CHUNK_BYTES // 8):
            observe(compressed)
            while compressed:
                is_started = True
                content = decompress.decompress(compressed)
                for at in range(0, len(content), CHUNK_BYTES):
                    yield content[at : at + CHUNK_BYTES]
                compressed = b""
                if decompress.eof:
                    compressed = decompress.unused_data
                    decompress, is_started = zstandard.ZstdDecompressor().decompressobj(), False
    except zstandard.ZstdError:
        raise FileRefusedError("the zst file is damaged", "upload it again") from None
    if is_started:
        raise FileRefusedError("the zst file is cut short", "upload it again")


class _LineCounter:
    """Counts lines, blank lines, quotes and delimiters over chunks, and detects irregular content."""

    def __init__(self, delimiter: bytes) -> None:
        self._delimiter = delimiter
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._line_so_far = 0
        self._last = b""  # the last bytes before this chunk
        self._feeds = self._returns = self._pairs = 0
        self.longest = 0
        self._has_nul = self.is_not_utf8 = False
        self.is_all_nul = True
        self.bytes = self.blank = self.quotes = self.delimiters = 0

    def add(self, chunk: bytes) -> None:
        if not chunk:
            return
        seam = self._last + chunk
        if not self.bytes:
            seam = b"\n" + chunk  # a line end at the start of the file is a blank line
        self.bytes += len(chunk)
        self._has_nul = self._has_nul or b"\0" in chunk
        self.is_all_nul = self.is_all_nul and not chunk.strip(b"\0")
        self._check_text(chunk)
        self._feeds += chunk.count(b"\n")
        self.quotes += chunk.count(b'"')
        self.delimiters += chunk.count(self._delimiter)
        if b"\r" in chunk or self._last.endswith(b"\r"):
            self._returns += chunk.count(b"\r")
            self._pairs += chunk.count(b"\r\n") + (self._last.endswith(b"\r") and chunk.startswith(b"\n"))
        self.blank += _blank_lines(seam, len(seam) - len(chunk), bool(self._returns))
        self._measure(chunk)
        self._last = seam[-3:]

    def close(self) -> None:
        try:
            self._decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            self.is_not_utf8 = True

    @property
    def lines(self) -> int:
        ended = self._feeds + self._returns - self._pairs
        return ended + (self.bytes > 0 and not self._last.endswith((b"\n", b"\r")))

    def find_irregularity(self) -> str | None:
        if self._has_nul:
            return "a NUL byte"
        if self.is_not_utf8:
            return "bytes that are not UTF-8"
        if self.longest > MAX_RECORD_BYTES:
            return "a very long line"
        if self._returns and not (self._returns == self._pairs == self._feeds):
            return "line ends of several kinds"
        return None

    def _check_text(self, chunk: bytes) -> None:
        if self.is_not_utf8 or (chunk.isascii() and not self._decoder.getstate()[0]):
            return
        try:
            self._decoder.decode(chunk)
        except UnicodeDecodeError:
            self.is_not_utf8 = True

    def _measure(self, chunk: bytes) -> None:
        # A line inside a chunk is shorter than a chunk, so only lines across chunks are measured.
        first = min((at for at in (chunk.find(b"\n"), chunk.find(b"\r")) if at >= 0), default=-1)
        last = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
        if first < 0:
            self._line_so_far += len(chunk)
        else:
            self.longest = max(self.longest, self._line_so_far + first)
            self._line_so_far = len(chunk) - last - 1
        self.longest = max(self.longest, self._line_so_far)


# For LF and CRLF only: a file with lone CRs goes to CSV recovery, which counts by itself.
_BLANK = re.compile(rb"(?<=\n)\r?\n")


def _blank_lines(seam: bytes, known: int, has_returns: bool) -> int:
    if b"\n\n" not in seam and not (has_returns and b"\n\r\n" in seam):
        return 0
    return sum(1 for match in _BLANK.finditer(seam) if match.end() > known)
