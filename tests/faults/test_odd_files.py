"""docs/FAULTS.md, 108 and 115: too many columns, empty frames, files of zeros, years after 2262."""

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
    """F108: The message has the number and the limit; the other files are read."""
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
def test_skippable_frames_of_zst_are_skipped(tmp_path: Path, content: bytes) -> None:
    """F115: They may be at the start, between frames, and at the end."""
    inbox = one_file(tmp_path, content, "entries.csv.zst")
    assert () == inbox.land().refused
    assert ["L1"] == inbox.leads()


@pytest.mark.parametrize("name", ["zeros.csv.gz", "zeros.csv"])
def test_a_file_of_zeros_is_refused_as_such(tmp_path: Path, name: str) -> None:
    """F115: The message does not call it UTF-16."""
    zeros = bytes(20_000_000)
    inbox = one_file(tmp_path, gzip.compress(zeros, 1) if name.endswith("gz") else zeros, name)
    assert (
        "it holds nothing but NUL bytes | export the file again; the disk or the transfer lost its content"
    ) == refusal(inbox)


@pytest.mark.parametrize("unit", ["ns", "us", "csv"])
def test_a_time_beyond_2262_is_rejected(tmp_path: Path, unit: str) -> None:
    """F115: Nanoseconds end in 2262: a current time is read in any unit, times of 2262 and 2300 are out of range."""
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
