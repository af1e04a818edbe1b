"""Files in other encodings than UTF-8."""

from __future__ import annotations

import codecs
from pathlib import Path

from pipeline.inputs import preflight
from pipeline.inputs.preflight import Bytes


def is_utf16(found: Bytes) -> bool:
    """Whether a file with NUL bytes looks as if every other byte were one."""
    start = next(preflight.chunks(found.path, found.compression), b"")[:1000]
    return start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or start.count(b"\0") * 3 > len(start)


def transcode(found: Bytes, encoding: str, copy: Path) -> None:
    """Write a copy in UTF-8. What can't be decoded becomes a byte that is no UTF-8, so that its line is quarantined."""
    codecs.register_error("funnel_mark", lambda error: ("\udcff", getattr(error, "end", 0)))
    decoder = codecs.getincrementaldecoder(encoding)("funnel_mark")
    with copy.open("wb") as file:
        for chunk in preflight.chunks(found.path, found.compression):
            file.write(decoder.decode(chunk).encode("utf-8", "surrogateescape"))
        file.write(decoder.decode(b"", final=True).encode("utf-8", "surrogateescape"))
