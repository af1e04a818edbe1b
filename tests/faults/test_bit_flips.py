"""docs/FAULTS.md, rows 72 and 74: values that are no numbers, and flipped bits. No value changes without a message."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from delivery import HEADER, Inbox, entry, one_file, refusal

from pipeline.errors import InputError
from pipeline.ingest.landing import loading
from pipeline.run.loading import check
from tests import runs
from tests.faults.test_histories import Company

TABLE = pa.table(
    {
        "lead_id": [f"L{number}" for number in range(40)],
        "stage": ["MQL", "SAL"] * 20,
        "entered_at": [f"2026-01-05T14:{number:02}:00Z" for number in range(40)],
        "owner": ["dana"] * 39 + [None],
    }
)


def parquet(**options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(TABLE, sink, **options)
    return bytes(sink.getvalue())


def flips(content: bytes, count: int, seed: int) -> list[bytes]:
    """Copies of the content, each with one flipped bit."""
    generator = random.Random(seed)
    copies = []
    for at in generator.sample(range(len(content)), min(count, len(content))):
        copy = bytearray(content)
        copy[at] ^= 1 << generator.randrange(8)
        copies.append(bytes(copy))
    return copies


@pytest.mark.parametrize("value", ["NaN", "1e400", "$12", '"1,234.50"', "12.5", "inf", "0x10", "1_000", "9" * 19, "٣"])
def test_a_sequence_that_is_no_whole_number_is_rejected(tmp_path: Path, value: str) -> None:
    """F72: The sequence is the only number; other columns are text and stay unchanged."""
    content = "lead_id,stage,entered_at,sequence,amount\n" + "".join(
        f"L{number},MQL,2026-01-05,{sequence},{value}\n" for number, sequence in enumerate(("7", value, "", "-3.0"))
    )
    inbox = one_file(tmp_path, content)
    inbox.land()
    amount = value.strip('"')
    assert [("L0", 7, amount), ("L2", None, amount), ("L3", -3, amount)] == inbox.rows(
        "select lead_id, sequence, amount from raw.stage_entries order by row_number"
    )
    assert [(2, "unreadable_sequence", f"L1,MQL,2026-01-05,{value},{value}")] == inbox.rejected()


@pytest.mark.parametrize("codec", ["none", "snappy", "zstd"])
def test_a_flipped_bit_in_a_page_is_refused(tmp_path: Path, codec: str) -> None:
    """F74: In a file with page checksums, every flip in the content of a page is found."""
    content = parquet(write_page_checksum=True, compression=codec, use_dictionary=codec != "zstd")
    inbox = one_file(tmp_path, content, "a.parquet")
    inbox.land(dry_run=True)
    metadata = pq.ParquetFile(inbox.folder / "a.parquet").metadata.row_group(0)
    for number, column in enumerate(metadata.column(each) for each in range(4)):
        # The end of a column chunk is content; its start is a header without a checksum.
        start = column.dictionary_page_offset or column.data_page_offset
        at = start + column.total_compressed_size - 1
        broken = bytearray(content)
        broken[at] ^= 1 << number
        inbox.put("a.parquet", bytes(broken))
        result = inbox.land()
        assert ["the Parquet file is damaged or cut short"] == [refused.reason for refused in result.refused]
    inbox.put("a.parquet", content)
    assert 40 == inbox.land().loads[0].landed


@pytest.mark.parametrize("name", ["a.parquet", "a.csv", "a.jsonl"])
def test_a_sha256_file_finds_every_flipped_bit(tmp_path: Path, name: str) -> None:
    """F74: With a .sha256 file, a flip in a header, a footer or a value is found."""
    rows = TABLE.to_pylist()
    content = {
        "a.parquet": parquet(),
        "a.csv": (HEADER + "".join(",".join(map(str, row.values())) + "\n" for row in rows)).encode(),
        "a.jsonl": "".join(json.dumps(row) + "\n" for row in rows).encode(),
    }[name]
    inbox = Inbox(tmp_path).reads("a.*")
    inbox.put(f"{name}.sha256", f"{hashlib.sha256(content).hexdigest()}  {name}\n")
    for copy in flips(content, 60, seed=74):
        inbox.put(name, copy)
        result = inbox.land()
        assert () == result.loads
        # A defect that the bytes show is reported first.
        (refused,) = result.refused
        assert "upload" in refused.next_step or "export" in refused.next_step
    inbox.put(name, content)
    assert 40 == inbox.land().loads[0].landed


@pytest.mark.parametrize("promise", ["", "0" * 64, "no sum at all", "\xff"])
def test_a_file_that_differs_from_its_sha256_is_refused(tmp_path: Path, promise: str) -> None:
    """F74: An empty .sha256 file is refused too; the .sha256 file itself is no input."""
    inbox = one_file(tmp_path, HEADER + entry("L1"), "a.csv")
    inbox.inputs = ()
    inbox.reads("a.csv*").put("a.csv.sha256", promise)
    assert "its content does not match a.csv.sha256 | upload both files again" in refusal(inbox)


@pytest.mark.parametrize("pattern", ["{sum}  a.csv\n", "{SUM} *a.csv", "\\{sum}  a.csv\n", "{sum}"])
def test_each_usual_form_of_a_sha256_file_is_read(tmp_path: Path, pattern: str) -> None:
    """F74: The forms are those of sha256sum, as text, binary or with an unusual name, and the digits alone."""
    inbox = one_file(tmp_path, HEADER + entry("L1"), "a.csv")
    digits = hashlib.sha256((HEADER + entry("L1")).encode()).hexdigest()
    inbox.put("a.csv.sha256", pattern.format(sum=digits, SUM=digits.upper()))
    assert 1 == inbox.land().loads[0].landed


def stop_of(inbox: Inbox) -> InputError | None:
    """The error that would stop a run before it reads an input, or None."""
    try:
        loading.verify(loading.open_log(inbox.log_folder))
    except InputError as stopped:
        return stopped
    return None


@pytest.mark.parametrize("name", ["rows.parquet", "rejected.parquet", "manifest.json"])
def test_a_flipped_bit_in_the_landing_log_stops_the_run(tmp_path: Path, name: str) -> None:
    """F74: In every file of a load a flip is reported with the next step, unless it changes nothing, such as a space."""
    inbox = one_file(tmp_path, HEADER + entry("L1") + entry("L2", "SAL") + "cut\n")
    (load,) = inbox.land().loads
    sound = loading.open_log(inbox.log_folder)
    path = sound.file(load, name)
    content = path.read_bytes()
    harmless = 0
    for copy in flips(content, 1500, seed=74):
        path.write_bytes(copy)
        stopped = stop_of(inbox)
        if stopped is not None:
            assert str(path) == stopped.where
            assert "restore" in stopped.next_step
            assert "dana" not in str(stopped)
            continue
        assert sound == loading.open_log(inbox.log_folder)
        harmless += 1
    path.write_bytes(content)
    loading.verify(loading.open_log(inbox.log_folder))
    assert harmless == 0 or name == "manifest.json"


@pytest.mark.parametrize("name", ["rows.parquet", "rejected.parquet"])
def test_a_missing_file_of_the_log_stops_the_run(tmp_path: Path, name: str) -> None:
    """F74: After moving the load's folder away, its rows are loaded from the input file again."""
    inbox = one_file(tmp_path, HEADER + entry("L1") + "cut\n")
    (load,) = inbox.land().loads
    path = loading.open_log(inbox.log_folder).file(load, name)
    path.unlink()
    with pytest.raises(InputError, match="a file is missing"):
        loading.verify(loading.open_log(inbox.log_folder))
    shutil.move(path.parent, tmp_path / "aside")
    assert [(1, 1)] == [(again.landed, again.rejected_rows) for again in inbox.land().loads]
    loading.verify(loading.open_log(inbox.log_folder))


def test_a_log_without_checksums_is_read(tmp_path: Path) -> None:
    """F74: A log of an earlier version has no checksums, so it is read without comparison."""
    inbox = one_file(tmp_path, HEADER + entry("L1"))
    (load,) = inbox.land().loads
    path = loading.open_log(inbox.log_folder).file(load, "manifest.json")
    content = json.loads(path.read_text("utf-8"))
    later = ("sums", "seal", "header_lines", "missing", "lost", "lost_of")
    path.write_text(json.dumps({name: value for name, value in content.items() if name not in later}), "utf-8")
    (old,) = loading.open_log(inbox.log_folder).loads
    assert ({}, load.sha256) == (old.sums, old.sha256)
    assert (None, None, 0, 0) == (old.header_lines, old.missing, old.lost, old.lost_of)
    loading.verify(loading.open_log(inbox.log_folder))
    assert 1 == len(inbox.land().already_loaded)


def test_a_run_over_a_damaged_log_stops_and_the_last_one_stays(tmp_path: Path) -> None:
    """F74: The exit code is 3 before anything is built, also with --from-log and `funnel check`."""
    company = Company(tmp_path)
    output = company.run()
    published = (output / "funnel.duckdb").resolve()
    (path,) = (output / "landing" / "stage_entries").glob("*/rows.parquet")
    path.write_bytes(flips(path.read_bytes(), 1, seed=1)[0])
    for options in ({}, {"from_log": True}):
        with pytest.raises(InputError, match="the landing log is damaged: its content changed") as stopped:
            company.run(**options)
        assert 3 == stopped.value.exit_code
    with pytest.raises(InputError):
        check(runs.options(tmp_path / "funnel.toml", output))
    assert published == (output / "funnel.duckdb").resolve()
    assert [{"leads": 7}] == runs.ask(output, "select count(distinct lead_id) as leads from journey.stage_spans")
