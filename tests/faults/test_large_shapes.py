"""docs/FAULTS.md, 108: many columns, long chains and long fields are read in linear time or refused above a limit.

Each test takes a second or two and may take a minute; quadratic code takes many minutes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from delivery import HEADER, Inbox, entry, one_file

from pipeline.ingest.readers import csv_recovery
from tests.cli import commands
from tests.cli.commands import funnel

MANY = 1_000
"""The number of columns that fit into the memory of a test."""


@contextmanager
def within_a_minute() -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < 60


def wide(columns: int, value: str) -> str:
    """A file of stage entries with `columns` columns, three of them known."""
    names = ",".join(f"extra_{number}" for number in range(columns - 3))
    values = ",".join([value] * (columns - 3))
    return f"lead_id,stage,entered_at,{names}\n" + "".join(f"L{row},MQL,2026-01-05,{values}\n" for row in range(5))


@pytest.mark.parametrize("value", ["plain", '"with, comma"'])
def test_a_thousand_columns_are_read(tmp_path: Path, value: str) -> None:
    """F108: Every column is read, also with quotes."""
    inbox = one_file(tmp_path, wide(MANY, value))
    with within_a_minute():
        (load,) = inbox.land(memory="3GB").loads
    assert (5, MANY - 3) == (load.landed, len(load.extras))
    assert [(value.strip('"'),)] == inbox.rows(f"select distinct extra_{MANY - 4} from raw.stage_entries")


def merges(folder: Path, rows: list[tuple[str, str]]) -> Path:
    text = "from_lead_id,into_lead_id\n" + "".join(f"{one},{other}\n" for one, other in rows)
    return commands.copy_of_quarter(folder, commands.reads("merges", "merges"), merges=text)


def test_a_chain_of_20_000_merges_has_an_end(tmp_path: Path) -> None:
    """F108: Every id of the chain maps to the last one (E3)."""
    toml = merges(tmp_path / "in", [(f"M{number}", f"M{number + 1}") for number in range(20_000)])
    with within_a_minute():
        assert 0 == funnel("run", "--config", toml, "--output", tmp_path / "out", *commands.AS_OF).code
    query = "select count(*) as ids, min(survivor_id) as first, max(survivor_id) as last from clean.lead_survivors"
    assert "20000,M20000,M20000" in funnel("sql", query, "--format", "csv", "--output", tmp_path / "out").out


def test_a_loop_of_20_000_merges_is_refused(tmp_path: Path) -> None:
    """F108: The message has ids of the loop and of leads that merge into it, but not of another chain (E3)."""
    loop = [(f"M{number}", f"M{(number + 1) % 20_000}") for number in range(20_000)]
    toml = merges(tmp_path / "in", [*loop, ("A1", "A2"), ("A2", "A3")])
    with within_a_minute():
        answer = funnel("run", "--config", toml, "--output", tmp_path / "out", *commands.AS_OF)
    assert 1 == answer.code
    assert "Merges form no loop" in answer.err
    assert "20000 rows" in answer.err
    assert "M0" in answer.err
    assert "A1" not in answer.err


@pytest.mark.parametrize("content", ["\n", "\r\n", '""\n', "\r"])
def test_a_field_of_5_mb_of_line_ends_is_rejected(tmp_path: Path, content: str) -> None:
    """F108: The rows before and after it are read."""
    field = content * (5_000_000 // len(content) if content != '""\n' else 100_000)
    inbox = one_file(tmp_path, HEADER + entry("L1") + f'L2,MQL,2026-01-05,"{field}"\n' + entry("L3"))
    with within_a_minute():
        inbox.land()
    assert ["L1", "L3"] == inbox.leads()


def test_a_long_field_is_split_once() -> None:
    """F108: It is not split once per line, because a line with paired quotes can't end it."""
    splits = []
    plain = csv_recovery.split

    def count_splits(text: bytes, delimiter: bytes, *, strict: bool = False) -> tuple[list[bytes], str]:
        splits.append(len(text))
        return plain(text, delimiter, strict=strict)

    lines = [b'L1,"\n', *[b'""\n'] * 9_000, b'"\n']
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_recovery, "split", count_splits)
        (record,) = csv_recovery.RecordRecovery(iter(lines), 2, b",")
    assert (None, 9_001) == (record.reason, record.newlines)
    assert sum(splits) < 3 * sum(map(len, lines))


@pytest.mark.parametrize(("columns", "rows"), [(MANY, 3)])
def test_a_wide_export_is_loaded_again(tmp_path: Path, columns: int, rows: int) -> None:
    """F108: A keyed table compares every column with the previous version."""
    header = "lead_id," + ",".join(f"extra_{number}" for number in range(columns - 1)) + "\n"
    line = "L{},{}" + ",x" * (columns - 2) + "\n"
    inbox = Inbox(tmp_path).reads("leads.csv", "leads", "leads")
    for value, expected in (("a", (rows, 0)), ("b", (1, rows - 1))):
        inbox.put("leads.csv", header + "".join(line.format(row, "a" if row else value) for row in range(rows)))
        with within_a_minute():
            (load,) = inbox.land(memory="3GB").loads
        assert expected == (load.landed, load.redelivered)
