"""Detect the kind of a file from its first bytes and its name, and scan it accordingly."""

from __future__ import annotations

import codecs
import re
from dataclasses import replace
from pathlib import Path

from pipeline.config.configuration import Input
from pipeline.ingest.files import archives, checksums, encodings, scan
from pipeline.ingest.files.scan import FileScan
from pipeline.ingest.readers import documents, json_lines, web_tables, workbooks
from pipeline.ingest.refusal import FileRefusedError

_WORKBOOKS = (".xlsx", ".xlsm")
_NOT_READ = (".xlsb", ".ods", ".numbers")


ScanCache = dict[tuple[Path, tuple[int, int], str, str], FileScan]
"""The file scans of one run. Several inputs that read a file with the same settings share one scan."""


def scan_once(cache: ScanCache, path: Path, input_: Input, work: Path) -> FileScan:
    """Return the scan of a file, as `scan_file` does, from the `cache` if the file did not change since."""
    key = (path, file_state(path), input_.delimiter, input_.encoding)
    if key in cache:
        return cache[key]
    file_scan = scan_file(path, input_, work)
    if file_scan.path == path:  # a UTF-8 copy is temporary
        cache[key] = file_scan
    return file_scan


def file_state(path: Path) -> tuple[int, int]:
    """Return the size and modification time of a file. A different state means different content."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def scan_file(path: Path, input_: Input, work: Path) -> FileScan:
    """Scan a file, or its UTF-8 copy if the input has another encoding. Raises FileRefusedError."""
    kind = Path(re.sub(r"[.](gz|gzip|zst|zstd)$", "", path.name.lower())).suffix
    file_scan = _scan_workbook(path, kind) or _scan_text(path, kind, input_, work)
    checksums.verify_sha256_file(path, file_scan.sha256)
    return file_scan


def _scan_workbook(path: Path, kind: str) -> FileScan | None:
    """Return the scan of a workbook; None for another kind of file."""
    if kind in _NOT_READ:
        raise FileRefusedError(f"{kind} is not read here", "save it as .xlsx, or export it as CSV or Parquet")
    if archives.is_zip(path) or scan.first_bytes(path) == workbooks.OLE_SIGNATURE:
        size = path.stat().st_size
        return FileScan(path, "none", checksums.sha256_of(path), size, size, kind="workbook")
    if kind in _WORKBOOKS:
        raise FileRefusedError(
            f"it is named {kind} and is no workbook", "export it again, unpacked, or name it by what it is"
        )
    return None


def _scan_text(path: Path, kind: str, input_: Input, work: Path) -> FileScan:
    if kind in web_tables.SUFFIXES:
        file_scan = scan.scan_bytes(path, input_.delimiter, longest_line=None)
        if not file_scan.is_parquet and web_tables.is_page(file_scan):
            return replace(file_scan, kind="html")
    is_document = kind == documents.SUFFIX
    file_scan = _scan_as_utf8(path, input_, work, longest_line=None if is_document else scan.MAX_LINE_BYTES)
    if is_document and not file_scan.is_parquet and not documents.is_lines(file_scan):
        return replace(file_scan, kind="json")
    return replace(file_scan, is_json_lines=is_document or kind in json_lines.SUFFIXES)


def _scan_as_utf8(path: Path, input_: Input, work: Path, longest_line: int | None) -> FileScan:
    plain = scan.scan_bytes(path, input_.delimiter, longest_line=longest_line)
    if plain.is_parquet:
        return plain
    is_auto = input_.encoding == encodings.AUTO
    encoding = encodings.guess_encoding(plain) if is_auto else codecs.lookup(input_.encoding).name
    if encoding not in ("utf-8", "utf-8-sig"):
        copy = work / "transcoded"
        encodings.transcode(plain, encoding, copy)
        copied = scan.scan_bytes(copy, input_.delimiter, longest_line=longest_line)
        return replace(copied, sha256=plain.sha256, size=plain.size)
    if plain.irregularity == "a NUL byte" and encodings.is_utf16(plain):
        raise FileRefusedError(
            "it is written in UTF-16", 'declare encoding = "utf-16" for this input, or export it as UTF-8'
        )
    if not plain.is_utf8 and not is_auto:
        encodings.refuse_undeclared(plain)
    return plain
