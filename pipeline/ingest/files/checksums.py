"""What a file promises of itself: a SHA-256 beside it, and checksums of the pages inside a Parquet file.

A flipped bit in a CSV costs a line or changes a value that no reader can know; in a Parquet file it may do either to a
thousand values. Where the sender says what the bytes were, they are held against that.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.ingest.refusal import FileRefusedError

SUFFIX = ".sha256"
"""Of the file that names the SHA-256 of the one beside it, as `sha256sum` writes it."""

_NEXT_I32 = b"\x15"
"""Thrift: the field after the last one, an i32."""


def verify_sha256_file(path: Path, sha256: str) -> None:
    """Raises Refused when a `.sha256` lies beside the file and names another content."""
    beside = path.with_name(path.name + SUFFIX)
    if not beside.is_file():
        return
    with beside.open("rb") as file:
        words = file.read(1_000).split()
    # sha256sum puts a backslash first when there is one in the file's name.
    if not words or words[0].lstrip(b"\\").lower() != sha256.encode():
        raise FileRefusedError(f"its content is not the one that {beside.name} promises", "upload both files again")


def verify_pages(path: Path) -> None:
    """Read a Parquet file once for the checksums of its pages, where it has any. Raises Refused when one doesn't fit.

    DuckDB does not look at them.
    """
    # Takes a while to import, and only Parquet inputs need it.
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path, page_checksum_verification=True) as file:
            if not _has_checksums(path, file):
                return
            for group in range(file.num_row_groups):
                for column in range(len(file.schema)):
                    file.read_row_group(group, columns=[file.schema.column(column).path], use_threads=False)
    except (pyarrow.ArrowException, OSError):
        raise FileRefusedError("the Parquet file is damaged or cut short", "export or upload it again") from None


def _has_checksums(path: Path, file: Any) -> bool:
    """Whether any column's first page has one: a bit that flipped in one header must not hide those of the others."""
    with path.open("rb") as raw:
        return any(_page_has_crc(_read_at(raw, offset)) for offset in _first_pages(file))


def _first_pages(file: Any) -> Iterator[int]:
    metadata = file.metadata
    for group in range(metadata.num_row_groups):
        for column in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(column)
            yield chunk.dictionary_page_offset if chunk.has_dictionary_page else chunk.data_page_offset


def _read_at(raw: Any, offset: int) -> bytes:
    raw.seek(offset)
    return bytes(raw.read(32))


def _page_has_crc(header: bytes) -> bool:
    """A page header is Thrift, compact: type, size, size, then the checksum, each an i32 in the field after the last."""
    at = 0
    for _ in range(3):
        if header[at : at + 1] != _NEXT_I32:
            return False
        at += 1
        while at < len(header) and header[at] & 0x80:
            at += 1
        at += 1
    return header[at : at + 1] == _NEXT_I32
