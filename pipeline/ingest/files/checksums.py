"""Verify checksums from the sender: a `.sha256` file beside an input file, and page checksums inside a Parquet file.

A flipped bit in a CSV file damages one line or one value. In a Parquet file it can damage thousands of values.
"""

from __future__ import annotations

import hashlib
from itertools import product
from pathlib import Path
from typing import Any

from pipeline.ingest.refusal import FileRefusedError

SUFFIX = ".sha256"
"""Ending of a file that `sha256sum` writes, with the SHA-256 of the file beside it."""

_NEXT_I32 = b"\x15"
"""Thrift compact protocol: the next field, of type i32."""


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify_sha256_file(path: Path, sha256: str) -> None:
    """Raises FileRefusedError if a `.sha256` file beside the file has another SHA-256."""
    beside = path.with_name(path.name + SUFFIX)
    if not beside.is_file():
        return
    with beside.open("rb") as file:
        words = file.read(1_000).split()
    # sha256sum puts a backslash first when there is one in the file's name.
    if not words or words[0].lstrip(b"\\").lower() != sha256.encode():
        raise FileRefusedError(f"its content does not match {beside.name}", "upload both files again")


def verify_pages(path: Path) -> None:
    """Verify the page checksums of a Parquet file, if it has any. Raises FileRefusedError if one does not match.

    DuckDB does not verify them.
    """
    # A slow import that only Parquet inputs need.
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path, page_checksum_verification=True) as file:
            if not _has_checksums(path, file):
                return
            for group, column in product(range(file.num_row_groups), range(len(file.schema))):
                file.read_row_group(group, columns=[file.schema.column(column).path], use_threads=False)
    except (pyarrow.ArrowException, OSError):
        raise FileRefusedError("the Parquet file is damaged or cut short", "export or upload it again") from None


def _has_checksums(path: Path, file: Any) -> bool:
    """Whether the first page of any column has a checksum. One damaged header must not hide the checksums of the others."""
    metadata = file.metadata
    with path.open("rb") as raw:
        for group, column in product(range(metadata.num_row_groups), range(metadata.num_columns)):
            chunk = metadata.row_group(group).column(column)
            raw.seek(chunk.dictionary_page_offset if chunk.has_dictionary_page else chunk.data_page_offset)
            if _page_has_crc(raw.read(32)):
                return True
    return False


def _page_has_crc(header: bytes) -> bool:
    """Whether a page header (Thrift compact protocol) has a checksum: the i32 field after type, size and compressed size."""
    at = 0
    for _ in range(3):
        if header[at : at + 1] != _NEXT_I32:
            return False
        at += 1
        while at < len(header) and header[at] & 0x80:
            at += 1
        at += 1
    return header[at : at + 1] == _NEXT_I32
