"""Reads a PDF of Chromium: how many pages it has, and what is drawn on each."""

from __future__ import annotations

import re
import zlib

OBJECT = re.compile(rb"(?m)^(\d+) 0 obj\r?\n(.*?)endobj", re.DOTALL)
STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
TEXT = re.compile(rb"\bT[jJ]\b")


def glyph_runs(document: bytes) -> list[int]:
    """The number of text runs on each page, in order; 0 is an empty sheet."""
    objects = {int(number): body for number, body in OBJECT.findall(document)}
    pages = [body for body in objects.values() if re.search(rb"/Type\s*/Page\b", body)]
    return [len(TEXT.findall(_page_content(objects, page))) for page in pages]


def _page_content(objects: dict[int, bytes], page: bytes) -> bytes:
    """The drawing instructions of a page, decompressed."""
    named = re.search(rb"/Contents\s+(\d+) 0 R", page)
    assert named is not None, "a page without a drawing"
    body = objects[int(named.group(1))]
    stream = STREAM.search(body)
    assert stream is not None, "a drawing that is no stream"
    return zlib.decompress(stream.group(1)) if b"/FlateDecode" in body[: stream.start()] else stream.group(1)
