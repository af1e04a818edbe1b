"""Read files that are not UTF-8: by the declared encoding, by `encoding = "auto"`, or refuse them with the line to write."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.ingest.files import scan
from pipeline.ingest.files.scan import FileScan
from pipeline.ingest.refusal import FileRefusedError

AUTO = "auto"
"""The `encoding` that means UTF-8, UTF-16 with a byte order mark, or else Windows-1252."""

SURROGATE_HANDLER = "funnel_mark"
"""The error handler that writes half a surrogate for bytes that can't be decoded, so that their row is rejected."""

codecs.register_error(SURROGATE_HANDLER, lambda error: ("\udcff", getattr(error, "end", 0)))

_MIN_GOOD_PER_BAD = 100
"""Non-ASCII UTF-8 characters per bad byte from which a file counts as damaged UTF-8."""

_BAD_BYTE = re.compile("[\udc80-\udcff]")
"""What `surrogateescape` writes for a byte that is not UTF-8."""
_UNDEFINED_IN_CP1252 = b"\x81\x8d\x8f\x90\x9d"


@dataclass(frozen=True)
class EncodingEvidence:
    """Counts of non-ASCII UTF-8 characters and of bytes that are not UTF-8; whether every byte is valid Windows-1252."""

    well_formed: int
    bad: int
    fits_cp1252: bool

    @property
    def is_damaged_utf8(self) -> bool:
        """Whether bad bytes are rare enough for a damaged UTF-8 file."""
        return self.well_formed >= _MIN_GOOD_PER_BAD * self.bad

    def refuse_mixed(self) -> None:
        """Raises FileRefusedError if the file mixes UTF-8 with another encoding."""
        if self.well_formed * 10 > self.bad:
            verb = "is" if self.bad == 1 else "are"
            raise FileRefusedError(
                f"a part of it is UTF-8, but {_bytes(self.bad)} {verb} not; it may be two exports in one file",
                "export it as UTF-8 throughout",
            )


def count_evidence(file_scan: FileScan) -> EncodingEvidence:
    """Read the whole file and count its UTF-8 characters and bad bytes."""
    fits = not any(byte in chunk for chunk in _chunks(file_scan) for byte in _UNDEFINED_IN_CP1252)
    well_formed = bad = 0
    for text in codecs.iterdecode(_chunks(file_scan), "utf-8", "surrogateescape"):
        bad_here = len(_BAD_BYTE.findall(text))
        well_formed += len(text) - len(text.encode("ascii", "ignore")) - bad_here
        bad += bad_here
    return EncodingEvidence(well_formed, bad, fits)


def _chunks(file_scan: FileScan) -> Iterator[bytes]:
    return scan.chunks(file_scan.path, file_scan.compression)


def refuse_undeclared(file_scan: FileScan) -> None:
    """Raises FileRefusedError for a file that is not UTF-8. In a UTF-8 file with rare damage only the damaged lines are rejected.

    In another encoding, exactly the rows with non-ASCII letters would be rejected, and the report would be biased.
    """
    evidence = count_evidence(file_scan)
    if evidence.is_damaged_utf8:
        return
    evidence.refuse_mixed()
    if evidence.fits_cp1252:
        raise FileRefusedError(
            f"it is not UTF-8 ({_bytes(evidence.bad)}), and can be read as Windows-1252",
            'write encoding = "cp1252" for this input if names look right with it, or export the file as UTF-8',
        )
    raise FileRefusedError(
        f"it is neither UTF-8 ({_bytes(evidence.bad)}) nor Windows-1252",
        'export it as UTF-8, or declare its encoding for this input, such as encoding = "cp850" or "mac_roman"',
    )


def guess_encoding(file_scan: FileScan) -> str:
    """Return the encoding of a file for `encoding = "auto"`. Raises FileRefusedError if the file mixes two encodings."""
    start = next(_chunks(file_scan), b"")[:2]
    if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    if file_scan.is_utf8:
        return "utf-8"
    evidence = count_evidence(file_scan)
    if evidence.is_damaged_utf8:
        return "utf-8"
    evidence.refuse_mixed()
    return "cp1252"


def _bytes(count: int) -> str:
    return "1 byte" if count == 1 else f"{count:,} bytes"


def text_encoding(name: str) -> str:
    """Return Python's name of a text encoding; empty if the name is unknown."""
    try:
        codec = codecs.lookup(name)
    except LookupError:
        return ""
    return codec.name if getattr(codec, "_is_text_encoding", True) else ""


def is_utf16(file_scan: FileScan) -> bool:
    """Whether a file with NUL bytes looks like UTF-16: by its byte order mark, or more than a third of NUL bytes."""
    start = next(_chunks(file_scan), b"")[:1000]
    return start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or start.count(b"\0") * 3 > len(start)


def transcode(file_scan: FileScan, encoding: str, copy: Path) -> None:
    """Write a UTF-8 copy. What can't be decoded becomes a byte that is not UTF-8, so that its line is rejected."""
    with copy.open("wb") as file:
        for text in codecs.iterdecode(_chunks(file_scan), encoding, SURROGATE_HANDLER):
            file.write(text.encode("utf-8", "surrogateescape"))
