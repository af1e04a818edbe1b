"""The files of an input: folders, patterns, links and pipes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from delivery import HEADER, Inbox, entry

from pipeline.config.configuration import Input
from pipeline.ingest.files.find import find
from tests.unit.limits import without_rights


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ((), "exports/*.csv"),
        (("a.parquet", "b.parquet", "c.csv", "a.parquet.sha256", "b.parquet.sha256", ".hidden"), "exports/*.parquet"),
        (("2026.01.csv.gz", "2026.02.csv.gz", "read.me"), "exports/*.csv.gz"),
        (("a.jsonl", "b.csv"), "exports/*.csv"),
    ],
)
def test_a_folder_as_path_is_refused_with_a_pattern(tmp_path: Path, files: tuple[str, ...], expected: str) -> None:
    """The message has the pattern of its most frequent kind of files."""
    folder = tmp_path / "exports"
    (folder / "older.tsv").mkdir(parents=True)
    for name in files:
        (folder / name).write_text("x")
    (found_file,) = find(Input("crm", "stage_entries", folder, written_path="exports/"))
    assert ("it is a folder, not a file", f'write path = "{expected}"') == (found_file.refused, found_file.next_step)
    (unwritten,) = find(Input("crm", "stage_entries", folder))
    assert f'write path = "{tmp_path}/{expected}"' == unwritten.next_step


def test_an_unreadable_folder_is_refused_with_a_csv_pattern(tmp_path: Path) -> None:
    """Its files are assumed to be CSV."""
    (tmp_path / "exports").mkdir(mode=0o700)
    (tmp_path / "exports" / "a.parquet").write_text("x")
    with without_rights(tmp_path / "exports"):
        (found_file,) = find(Input("crm", "stage_entries", tmp_path / "exports", written_path="exports"))
    assert 'write path = "exports/*.csv"' == found_file.next_step


def test_a_pattern_may_name_folders_too(tmp_path: Path) -> None:
    """A link in the part before the pattern is followed; a link without a target is refused."""
    inbox = Inbox(tmp_path)
    inbox.put("2026-01/a.csv", HEADER + entry("L1"))
    inbox.put("2026-02/a.csv", HEADER + entry("L2"))
    (tmp_path / "2026-02" / "b.csv").symlink_to(tmp_path / "2026-01" / "a.csv")
    (tmp_path / "2026-02" / "c.csv").symlink_to(tmp_path / "2026-01" / "gone.csv")
    result = inbox.reads("2026-*/*.csv").land()
    assert (["L1", "L2"], 1) == (inbox.leads(), len(result.already_loaded))
    assert ["it is a link that leads nowhere"] == [refused.reason for refused in result.refused]


def test_a_pipe_is_no_regular_file(tmp_path: Path) -> None:
    """Opening a pipe would wait forever."""
    os.mkfifo(tmp_path / "a.csv")
    (found_file,) = find(Input("crm", "stage_entries", tmp_path / "a.csv"))
    assert "it is not a regular file" == found_file.refused
