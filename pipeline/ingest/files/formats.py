"""What kind of file a file is, by its first bytes and its name, and the pass over it that belongs to that kind."""

from __future__ import annotations

import codecs
import re
from dataclasses import replace
from pathlib import Path

from pipeline.config.configuration import Input
from pipeline.ingest.files import archives, checksums, encodings, scan
from pipeline.ingest.files.scan import Bytes
from pipeline.ingest.readers import documents, json_lines, web_tables, workbooks
from pipeline.ingest.refusal import Refused

_WORKBOOKS = (".xlsx", ".xlsm")
_NOT_READ = (".xlsb", ".ods", ".numbers")


class Looks:
    """What was found of the files of one run: a file that several inputs read alike is looked at once."""

    def __init__(self) -> None:
        self._found: dict[tuple[Path, tuple[int, int], str, str], Bytes] = {}

    def at(self, path: Path, reads: Input, work: Path) -> Bytes:
        """As `look_at`. A file that changed is looked at again, and so is one whose copy in UTF-8 is read: the copy goes."""
        key = (path, state_of(path), reads.delimiter, reads.encoding)
        if key not in self._found:
            found = look_at(path, reads, work)
            if found.path != path:
                return found
            self._found[key] = found
        return self._found[key]


def state_of(path: Path) -> tuple[int, int]:
    """The size of a file and when it changed: another state is another content."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def look_at(path: Path, reads: Input, work: Path) -> Bytes:
    """The pre-flight of a file, or of its copy in UTF-8 when the input has another encoding. Raises Refused."""
    kind = Path(re.sub(r"[.](gz|gzip|zst|zstd)$", "", path.name.lower())).suffix
    found = _workbook(path, kind) or _text(path, kind, reads, work)
    checksums.hold_to_promise(path, found.sha256)
    return found


def _workbook(path: Path, kind: str) -> Bytes | None:
    """What is known of a workbook before it is read; None for another kind of file."""
    if kind in _NOT_READ:
        raise Refused(f"{kind} is not read here", "save it as .xlsx, or export it as CSV or Parquet")
    is_workbook = archives.is_zip(path)
    if not is_workbook:
        with path.open("rb") as file:
            is_workbook = file.read(4) == workbooks.OLE
    if is_workbook:
        size = path.stat().st_size
        return Bytes(path, "none", scan.sha256_of(path), size, size, kind="workbook")
    if kind in _WORKBOOKS:
        raise Refused(f"it is named {kind} and is no workbook", "export it again, unpacked, or name it by what it is")
    return None


def _text(path: Path, kind: str, reads: Input, work: Path) -> Bytes:
    if kind in web_tables.SUFFIXES:
        found = scan.examine(path, reads.delimiter, longest_line=None)
        if not found.is_parquet and web_tables.is_page(found):
            return replace(found, kind="html")
    is_document = kind == documents.SUFFIX
    found = _in_utf8(path, reads, work, longest_line=None if is_document else scan.LONGEST_LINE)
    if is_document and not found.is_parquet and not documents.is_lines(found):
        return replace(found, kind="json")
    return replace(found, is_json_lines=is_document or kind in json_lines.SUFFIXES)


def _in_utf8(path: Path, reads: Input, work: Path, longest_line: int | None) -> Bytes:
    plain = scan.examine(path, reads.delimiter, longest_line=longest_line)
    if plain.is_parquet:
        return plain
    is_auto = reads.encoding == encodings.AUTO
    encoding = encodings.guess(plain) if is_auto else codecs.lookup(reads.encoding).name
    if encoding not in ("utf-8", "utf-8-sig"):
        copy = work / "transcoded"
        encodings.transcode(plain, encoding, copy)
        copied = scan.examine(copy, reads.delimiter, longest_line=longest_line)
        return replace(copied, sha256=plain.sha256, size=plain.size)
    if plain.is_odd == "a NUL byte" and encodings.is_utf16(plain):
        raise Refused("it is written in UTF-16", 'declare encoding = "utf-16" for this input, or export it as UTF-8')
    if not plain.is_utf8 and not is_auto:
        encodings.refuse_undeclared(plain)
    return plain
