"""docs/FAULTS.md, 108 and 115: too many columns, frames without content, files of zeros, far years."""

from __future__ import annotations

import gzip
import struct
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from delivery import HEADER, entry, one_file, refusal

from pipeline.ingest.readers.headers import MAX_COLUMNS

CONTENT = (HEADER + entry("L1")).encode()
FRAME = zstandard.ZstdCompressor().compress
NOTE = struct.pack("<II", 0x184D2A5A, 6) + b"a note"


@pytest.mark.parametrize("name", ["wide.csv", "wide.parquet"])
def test_ten_thousand_columns_are_refused(tmp_path: Path, name: str) -> None:
    """F108: With their number and the limit; the other files are read."""
    inbox = one_file(
        tmp_path, ",".join(f"column_{number}" for number in range(10_000)) if name == "wide.csv" else b"", name
    )
    if name == "wide.parquet":
        pq.write_table(pa.table({f"column_{number}": ["x"] for number in range(10_000)}), tmp_path / name)
    assert (
        f"it has 10,000 columns, and at most {MAX_COLUMNS:,} are read | "
        "export it with fewer; only those that the funnel uses are needed"
    ) == refusal(inbox)


@pytest.mark.parametrize(
    "content",
    [NOTE + FRAME(CONTENT), FRAME(CONTENT) + NOTE, NOTE + NOTE + FRAME(CONTENT[:20]) + NOTE + FRAME(CONTENT[20:])],
)
def test_zst_with_skippable_frames(tmp_path: Path, content: bytes) -> None:
    """F115: In front, between and behind: what has no content is passed over."""
    inbox = one_file(tmp_path, content, "entries.csv.zst")
    assert () == inbox.land().refused
    assert ["L1"] == inbox.leads()


@pytest.mark.parametrize("name", ["zeros.csv.gz", "zeros.csv"])
def test_a_file_of_zeros(tmp_path: Path, name: str) -> None:
    """F115: Called what it is, and not UTF-16."""
    zeros = bytes(20_000_000)
    inbox = one_file(tmp_path, gzip.compress(zeros, 1) if name.endswith("gz") else zeros, name)
    assert (
        "it holds nothing but NUL bytes | export the file again; the disk or the transfer lost its content"
    ) == refusal(inbox)


@pytest.mark.parametrize("unit", ["ns", "us", "csv"])
def test_beyond_2262(tmp_path: Path, unit: str) -> None:
    """F115: Where nanoseconds end: a time of today is read by any unit, one of 2262 is out of range, as is one of 2300."""
    times = [datetime(2026, 1, 5), datetime(2262, 4, 11)]
    times += [datetime(2262, 4, 12), datetime(2300, 1, 1)] if unit != "ns" else []
    leads = [f"L{number}" for number in range(len(times))]
    if unit == "csv":
        inbox = one_file(
            tmp_path, HEADER + "".join(entry(lead, entered_at=f"{at}Z") for lead, at in zip(leads, times, strict=True))
        )
    else:
        inbox = one_file(tmp_path, b"", "a.parquet")
        columns = {"lead_id": leads, "stage": ["MQL"] * len(times), "entered_at": pa.array(times, pa.timestamp(unit))}
        pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    (load,) = inbox.land().loads
    assert (1, {"time_out_of_range": len(times) - 1}) == (load.landed, load.rejected)
