"""Files in other encodings than UTF-8: declared, found for `encoding = "auto"`, or refused with the line to write."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from pipeline.ingest.files import scan
from pipeline.ingest.files.scan import FileScan
from pipeline.ingest.refusal import FileRefusedError

AUTO = "auto"
"""The `encoding` that asks for UTF-8, UTF-16 with a byte order mark, or else Windows-1252."""

SURROGATE_HANDLER = "funnel_mark"
"""The error handler that puts half a surrogate for what can't be decoded, so that its row is quarantined."""

codecs.register_error(SURROGATE_HANDLER, lambda error: ("\udcff", getattr(error, "end", 0)))

_MIN_GOOD_PER_BAD = 100
"""Well-formed characters beyond ASCII per bad byte from which on a file is UTF-8 with damage in it."""

_UNDEFINED_IN_CP1252 = b"\x81\x8d\x8f\x90\x9d"


@dataclass(frozen=True)
class EncodingEvidence:
    """What the bytes say of the encoding: well-formed UTF-8 characters beyond ASCII, bytes that are no UTF-8, and
    whether every byte is a character of Windows-1252."""

    well_formed: int
    bad: int
    fits_cp1252: bool

    @property
    def is_damaged_utf8(self) -> bool:
        """Whether the bad bytes are so rare that the file is UTF-8 all the same."""
        return self.well_formed >= _MIN_GOOD_PER_BAD * self.bad

    def refuse_mixed(self) -> None:
        """Raises Refused when too much of the file is UTF-8 for any other encoding to be right, and too little to be damage."""
        if self.well_formed * 10 > self.bad:
            raise FileRefusedError(
                f"a part of it is UTF-8, and {_bytes(self.bad)} can't be read so; it may be two exports in one file",
                "export it as UTF-8 throughout",
            )


def count_evidence(file_scan: FileScan) -> EncodingEvidence:
    """Read the whole content once more and count."""
    counted = _BadByteCounter()
    name = f"funnel_count_{id(counted)}"
    codecs.register_error(name, counted)
    decoder = codecs.getincrementaldecoder("utf-8")(name)
    well_formed, fits = 0, True
    for chunk in scan.chunks(file_scan.path, file_scan.compression):
        fits = fits and not any(byte in chunk for byte in _UNDEFINED_IN_CP1252)
        text = decoder.decode(chunk)
        well_formed += len(text) - len(text.encode("ascii", "ignore"))
    decoder.decode(b"", final=True)
    return EncodingEvidence(well_formed, counted.bytes, fits)


class _BadByteCounter:
    """An error handler that leaves bad bytes out and counts them."""

    def __init__(self) -> None:
        self.bytes = 0

    def __call__(self, error: UnicodeError) -> tuple[str, int]:
        start, end = getattr(error, "start", 0), getattr(error, "end", 0)
        self.bytes += end - start
        return "", end


def refuse_undeclared(file_scan: FileScan) -> None:
    """Raises Refused for a file that is not UTF-8, unless it is UTF-8 with rare damage, whose lines are quarantined.

    To quarantine the lines of a file in another encoding would drop just the rows with umlauts, which is a biased report.
    """
    seen = count_evidence(file_scan)
    if seen.is_damaged_utf8:
        return
    seen.refuse_mixed()
    if seen.fits_cp1252:
        raise FileRefusedError(
            f"it is not UTF-8 ({_bytes(seen.bad)}), and can be read as Windows-1252",
            'write encoding = "cp1252" for this input if names look right with it, or export the file as UTF-8',
        )
    raise FileRefusedError(
        f"it is neither UTF-8 ({_bytes(seen.bad)}) nor Windows-1252",
        'export it as UTF-8, or declare its encoding for this input, such as encoding = "cp850" or "mac_roman"',
    )


def guess_encoding(file_scan: FileScan) -> str:
    """The encoding of a file under `encoding = "auto"`. Raises Refused when the file mixes two encodings."""
    start = next(scan.chunks(file_scan.path, file_scan.compression), b"")[:2]
    if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    if file_scan.is_utf8:
        return "utf-8"
    seen = count_evidence(file_scan)
    if seen.is_damaged_utf8:
        return "utf-8"
    seen.refuse_mixed()
    return "cp1252"


def _bytes(count: int) -> str:
    return "1 byte" if count == 1 else f"{count:,} bytes"


def text_encoding(name: str) -> str:
    """Python's name of an encoding of text; empty for a name that is none."""
    try:
        found = codecs.lookup(name)
    except LookupError:
        return ""
    return found.name if getattr(found, "_is_text_encoding", True) else ""


def is_utf16(file_scan: FileScan) -> bool:
    """Whether a file with NUL bytes looks as if every other byte were one."""
    start = next(scan.chunks(file_scan.path, file_scan.compression), b"")[:1000]
    return start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or start.count(b"\0") * 3 > len(start)


def transcode(file_scan: FileScan, encoding: str, copy: Path) -> None:
    """Write a copy in UTF-8. What can't be decoded becomes a byte that is no UTF-8, so that its line is quarantined."""
    decoder = codecs.getincrementaldecoder(encoding)(SURROGATE_HANDLER)
    with copy.open("wb") as file:
        for chunk in scan.chunks(file_scan.path, file_scan.compression):
            file.write(decoder.decode(chunk).encode("utf-8", "surrogateescape"))
        file.write(decoder.decode(b"", final=True).encode("utf-8", "surrogateescape"))
